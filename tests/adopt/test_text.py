"""The text that an import writes means to Compose what the text that was read meant, however that is laid out.

What is made up: values that depend on line breaks, at the end of the file too, with and without a final line break,
line ends of Windows, a byte order mark, comments with tabs, directives, several documents, and keys that an import
takes out. `make fuzz` and `make nightly` try many more.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from composed import understood
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envman.cli.invocation import Invocation
from envman.cli.main import run

pytestmark = pytest.mark.engine

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
IN_SUITE = settings(
    max_examples=settings().max_examples if settings.get_current_profile_name() == "fuzz" else 25,
    deadline=None,
    suppress_health_check=CHECKS,
)
AT_NIGHT = settings(max_examples=600, deadline=None, derandomize=False, suppress_health_check=CHECKS)

LINES = st.sampled_from(
    [
        "one",
        "two",
        "",
        " more",
        "# no comment",
        "a: b",
        "- c",
        "x\ty",
        "'",
        '"',
        "é",
        "$$x",
        "${A-b}",
        "...",
        "end  ",
        "%d",
    ]
)
SIGNS = st.sampled_from(["|", "|-", "|+", ">", ">-", ">+", "|2", ">2-"])
BREAKS = st.sampled_from(["", "\n", "\n\n", "\n\n\n", "\n# c", "\n    # c\n", "\n  \n"])
BEFORE = st.sampled_from(
    [
        "",
        "---\n",
        "# c\n---\n",
        "--- # c\n",
        "%YAML 1.1\n---\n",
        "\n\n# c\t#\n\n",
        "# a\n\n---\n\n# b\n",
        "--- !!map\n",
        "&all\n",
    ]
)
COMMENTS = st.sampled_from(["", " # c", " # c\td", "\t# c", "  # 'x", "   "])
LEFT_OUT = st.sampled_from(["", 'version: "3.8"\n', "name: other\n", "name: other # c\nversion: '2'\n"])


@st.composite
def block(draw: st.DrawFn, indent: str, first: str = "") -> str:
    sign = draw(SIGNS)
    lines = draw(st.lists(LINES, min_size=1, max_size=4).filter(lambda one: one[0].strip() == one[0] != ""))
    lines = [first + lines[0], *lines[1:]]
    inside = indent if "2" not in sign else indent[:-2] + "  "
    return sign + draw(st.sampled_from(["", " # c"])) + "".join(f"\n{inside}{line}" if line else "\n" for line in lines)


VALUES = st.sampled_from(
    ['"a b"', "'it''s'", "plain text", '"two\\nlines"', "'folded\n\n        here'", "!!str 12", "''"]
)


@st.composite
def document(draw: st.DrawFn, number: int) -> str:
    """Return a document whose last value is that of a variable, without a line break behind it."""
    comment = draw(COMMENTS)
    rest = draw(
        st.sampled_from(
            ["", f"    container_name: fixed{number}\n", "    restart: 'no' # c\n", "    labels: {a: b}\n\n"]
        )
    )
    text = (
        f"{draw(LEFT_OUT)}services:{comment}\n  s{number}:\n    image: busybox:1.37{comment}\n{rest}    environment:\n"
    )
    if draw(st.booleans()):
        plain = ["A=1", "A", "'A=b c'", '"A=two\\nlines"', "'A=folded\n\n        here'"]
        return f"{text}      - X=1{comment}\n      - " + draw(block("        ", "A=") | st.sampled_from(plain))
    text += f"      DB_PASSWORD: {draw(VALUES)}{comment}\n      LAST: "
    return text + draw(block("        ") | VALUES)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    count = draw(st.sampled_from([1, 1, 1, 2, 3]))
    text = ""
    for number in range(count):
        text += draw(BEFORE) if number == 0 else "\n" + draw(st.sampled_from(["---\n", "...\n---\n", "--- # c\n"]))
        text += draw(document(number))
    text += draw(BREAKS)
    text = text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode()


def means_the_same(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = root / "compose.yaml"
        source.write_bytes(content)
        environ = {"XDG_STATE_HOME": str(root / "state"), "XDG_CACHE_HOME": str(root / "cache")}
        before = understood([source], root)
        status = run(Invocation(environ=environ), ["-C", folder, "import", str(source), "--environment", "made"])
        if isinstance(before, str):
            return  # what Compose refuses, an import may refuse or mend
        assert status == 0
        out = root / "out.yml"
        assert run(Invocation(environ=environ), ["-C", folder, "render", "made", "--output", str(out)]) == 0
        assert understood([out], root) == before


@IN_SUITE
@given(files())
def test_the_text_means_the_same(content: bytes) -> None:
    means_the_same(content)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@AT_NIGHT
@given(files())
def test_many_texts_mean_the_same(content: bytes) -> None:
    means_the_same(content)
