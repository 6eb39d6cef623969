"""Diagnostics as people, editors and programs read them."""

from __future__ import annotations

import re
import textwrap

import pytest

from envman.diagnostics import Diagnostic, Note, Severity, Source, Span
from envman.output.diagnostics import as_data, concise, human
from envman.output.style import Style

PLAIN = Style(colour=False)


def span(text: str, marked: str, *, name: str = "a.yaml", confidential: bool = False) -> Span:
    """Return the place of ``marked`` in ``text``."""
    start = text.index(marked)
    before, inside = text[:start], text[: start + len(marked)]
    return Span(
        Source(name, text, confidential=confidential),
        before.count("\n") + 1,
        start - (before.rfind("\n") + 1) + 1,
        inside.count("\n") + 1,
        len(inside) - (inside.rfind("\n") + 1) + 1,
    )


def shown(*diagnostics: Diagnostic) -> str:
    return human(diagnostics, PLAIN)


def block(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


def test_everything_that_a_diagnostic_can_say() -> None:
    text = "services:\n  api:\n    ports:\n      - x:y\n"
    parent = span("ports: [1]\n", "1", name="base.yaml")
    one = Diagnostic(
        "EV103",
        "not a port mapping",
        span(text, "x:y"),
        '"HOST:CONTAINER"',
        (Note("overrides", parent), Note("a second note")),
        'write "8080:80"',
        "the end of\nsome output\n",
    )
    assert shown(one) == block(
        """
        error[EV103]: not a port mapping
          --> a.yaml:4:9
          |
        4 |       - x:y
          |         ^^^ expected "HOST:CONTAINER"
          = note: overrides base.yaml:1:9
          = note: a second note
          = help: write "8080:80"
          | the end of
          | some output
        """
    )


def test_without_a_place() -> None:
    one = Diagnostic("EV010", "no environment is named", expected="one of dev, prod", help="name it")
    assert shown(one) == block(
        """
        error[EV010]: no environment is named
          = expected one of dev, prod
          = help: name it
        """
    )


def test_a_warning_is_called_one() -> None:
    assert shown(Diagnostic("EV211", "drops a", severity=Severity.WARNING)) == "warning[EV211]: drops a"


def test_a_near_match_is_a_question() -> None:
    one = Diagnostic("EV105", "unknown", span("imge: b", "imge"), 'did you mean "image"?', help='did you mean "image"?')
    assert shown(one).splitlines()[-1] == '  | ^^^^ did you mean "image"?', "and the help does not repeat it"


def test_the_gutter_is_as_wide_as_the_number_of_the_line() -> None:
    text = "\n" * 99 + "a: b\n"
    assert shown(Diagnostic("EV106", "wrong", span(text, "b"))) == block(
        """
        error[EV106]: wrong
            --> a.yaml:100:4
            |
        100 | a: b
            |    ^
        """
    )


def test_an_empty_line_stands_between_two() -> None:
    first, second = Diagnostic("EV106", "one"), Diagnostic("EV106", "two")
    assert shown(first, second) == "error[EV106]: one\n\nerror[EV106]: two"


def test_of_several_lines_the_first_is_marked_to_its_end() -> None:
    text = "a: [b,   \n  c]\n"
    assert shown(Diagnostic("EV106", "wrong", span(text, "[b,   \n  c]"))).splitlines()[-2:] == [
        "1 | a: [b,",
        "  |    ^^^",
    ]


def test_a_tab_moves_the_carets_as_it_moves_the_line() -> None:
    line, carets = shown(Diagnostic("EV106", "wrong", span("a:\t{b:\tc}\n", "c"))).expandtabs().splitlines()[-2:]
    assert line[carets.index("^")] == "c"


@pytest.mark.parametrize(
    ("text", "marked", "carets"),
    [
        ("名前: x", "x", "      ^"),
        ("名前: x", "名前", "^^^^"),
        ("e\N{COMBINING ACUTE ACCENT}: x", "x", "   ^"),
        ("😀: x", "x", "    ^"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}: x", "x", "    ^"),
        ("ä: x", "x", "   ^"),
    ],
)
def test_carets_stand_under_what_a_terminal_shows(text: str, marked: str, carets: str) -> None:
    assert shown(Diagnostic("EV106", "wrong", span(text, marked))).splitlines()[-1] == f"  | {carets}"


def test_of_a_long_line_a_part_is_shown() -> None:
    text = f"a: {'x' * 300}, b: here, c: {'y' * 300}"
    lines = shown(Diagnostic("EV106", "wrong", span(text, "here"), "x")).splitlines()
    assert len(lines[-2]) <= 170
    column = lines[-2].index("here")
    assert lines[-1][column : column + 4] == "^^^^"
    assert lines[-1].startswith(" " * 2 + "|")
    assert "1:309" in lines[1], "the place is that in the file"


def test_an_empty_span_is_one_caret() -> None:
    place = Span(Source("a.yaml", "a: b\n"), 1, 5, 1, 5)
    assert shown(Diagnostic("EV107", "missing", place)).splitlines()[-1] == "  |     ^"


def test_past_the_end_of_a_file_there_is_no_line_to_show() -> None:
    place = Span(Source("a.yaml", "a: b\n"), 3, 1, 3, 1)
    assert shown(Diagnostic("EV111", "empty", place)) == "error[EV111]: empty\n  --> a.yaml:3:1"


def test_a_line_that_may_hold_a_secret_is_named_and_not_shown() -> None:
    place = span("TOKEN=hunter2\n", "TOKEN", name=".env", confidential=True)
    one = Diagnostic("EV205", "out of bounds", place, "a number")
    assert shown(one) == "error[EV205]: out of bounds\n  --> .env:1:1\n  = expected a number"


CONTROLS = "a\x1b[31m\nb\r\x07\u202ec"


def test_nothing_in_a_message_gives_orders_to_the_terminal() -> None:
    source = Source(CONTROLS, "x: y\n")
    place = Span(source, 1, 4, 1, 5)
    one = Diagnostic("EV103", CONTROLS, place, CONTROLS, (Note(CONTROLS, place),), f"help: {CONTROLS}")
    written = "a\\x1b[31m\\nb\\r\\x07\\u202ec"
    text = shown(one)
    assert text.count(written) == 6, text
    assert not set(text) & set("\x1b\r\x07\u202e")
    assert concise([one]).count(written) == 3
    assert "\n" not in concise([one])


def test_nothing_in_a_line_of_the_source_does() -> None:
    text = shown(Diagnostic("EV106", "wrong", span("a\u202e: x\n", "x")))
    assert "\u202e" not in text
    line, carets = text.splitlines()[-2:]
    assert line[carets.index("^")] == "x"


def test_another_programs_output_gives_no_orders_and_keeps_its_tabs() -> None:
    one = Diagnostic("EV602", "a build failed", detail="\x1b[1;31mERROR\x1b[0m: no\x1b[2J such\ttarget\x07\n\n")
    (line,) = shown(one).splitlines()[1:]
    assert "ERROR" in line
    assert "\ttarget" in line
    assert not set(line) & set("\x1b\x07")


def test_colours_are_only_paint() -> None:
    one = Diagnostic("EV106", "wrong", span("a: b", "b"), "x", (Note("n"),), "h", "d")
    painted = human([one], Style(colour=True))
    assert "\x1b[1;31m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == shown(one)
    warning = Diagnostic("EV106", "wrong", severity=Severity.WARNING)
    assert "\x1b[1;33m" in human([warning], Style(colour=True))


def test_concise_is_a_line_for_each() -> None:
    assert concise(
        [
            Diagnostic("EV106", "wrong", span("a: b", "b"), "a list", help="h", detail="d"),
            Diagnostic("EV105", "unknown", span("a: b", "a"), 'did you mean "c"?'),
            Diagnostic("EV010", "none is named"),
            Diagnostic("EV211", "drops a", severity=Severity.WARNING),
        ]
    ).splitlines() == [
        "a.yaml:1:4: error[EV106]: wrong (expected a list)",
        'a.yaml:1:1: error[EV105]: unknown (did you mean "c"?)',
        "error[EV010]: none is named",
        "warning[EV211]: drops a",
    ]


def test_data_hold_everything() -> None:
    place = span("a: [b,\n c]", "[b,\n c]")
    one = Diagnostic("EV106", "wrong", place, "x", (Note("n"), Note("m", place)), "h", "d", Severity.WARNING)
    at = {"file": "a.yaml", "line": 1, "column": 4, "end_line": 2, "end_column": 4}
    assert as_data(one) == {
        "code": "EV106",
        "severity": "warning",
        "title": "wrong type of value",
        "message": "wrong",
        "place": at,
        "expected": "x",
        "notes": [{"text": "n", "place": None}, {"text": "m", "place": at}],
        "help": "h",
        "detail": "d",
    }


def untagged(number: int) -> Diagnostic:
    text = "services:\n" + "  a: {image: busybox}\n" * 9
    line = Span(Source("a.yaml", text), number + 2, 14, number + 2, 21)
    return Diagnostic("EV314", f"image {number} has no tag", line, "a tag", severity=Severity.WARNING)


def test_many_warnings_of_one_kind_are_one_paragraph() -> None:
    error = Diagnostic("EV105", "unknown")
    assert shown(*map(untagged, range(4)), error, error) == block(
        """
        warning[EV314]: an image without a version (4 times)
          --> a.yaml:2:14: image 0 has no tag
          --> a.yaml:3:14: image 1 has no tag
          --> a.yaml:4:14: image 2 has no tag
          --> and 1 more: `envman --format concise` lists each
          = expected a tag

        error[EV105]: unknown

        error[EV105]: unknown
        """
    )


def test_two_warnings_of_one_kind_and_many_errors_are_shown_each() -> None:
    assert shown(untagged(0), untagged(1)).count("-->") == 2
    assert shown(*(Diagnostic("EV105", f"unknown {number}") for number in range(5))).count("error[EV105]") == 5


def test_advice_that_differs_is_not_in_a_summary() -> None:
    warnings = [Diagnostic("EV314", f"{n}", help=f"do {n}", severity=Severity.WARNING) for n in range(3)]
    assert "help" not in shown(*warnings)
