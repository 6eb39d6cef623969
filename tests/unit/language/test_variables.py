"""Typed variables: which value wins, and whether it fits its type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import attempt, load
from trees import marked

from envman.diagnostics import Diagnostic

SERVICE = "services: {api: {image: busybox, environment: {X: '${x}'}}}\n"


def used(root: Path, name: str = "dev", **given: Any) -> Any:
    """Return what the variable x became."""
    return load(root, name, **given).data["services"]["api"]["environment"]["X"]


def declared(declaration: str) -> str:
    return f"variables: {{x: {declaration}}}\n{SERVICE}"


def problems(root: Path, declaration: str, **given: Any) -> list[Diagnostic]:
    environment, found = attempt(root, dev=declared(declaration), **given)
    assert environment is None
    return found


# --- precedence

STRING = "{type: string, default: default, env: X_VAR}"


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"set", "process", ".env.dev", ".env", "child", "parent"}, "set"),
        ({"process", ".env.dev", ".env", "child", "parent"}, "process"),
        ({".env.dev", ".env", "child", "parent"}, ".env.dev"),
        ({".env", "child", "parent"}, ".env"),
        ({"child", "parent"}, "child"),
        ({"parent"}, "parent"),
        ({"set", "parent"}, "set"),
        ({"process", "parent"}, "process"),
        ({".env.dev", "parent"}, ".env.dev"),
    ],
)
def test_the_nearest_source_wins(tmp_path: Path, sources: set[str], expected: str) -> None:
    for file in (".env", ".env.dev"):
        if file in sources:
            (tmp_path / file).write_text(f"X_VAR={file}\n")
    default = "default: parent, " if "parent" in sources else ""
    base = f"abstract: true\nvariables: {{x: {{type: string, {default}env: X_VAR}}}}\n{SERVICE}"
    dev = "extends: base\n" + ("variables: {x: {default: child}}\n" if "child" in sources else "")
    process = {"X_VAR": "process"} if "process" in sources else {}
    settings = {"x": "set"} if "set" in sources else {}
    assert used(tmp_path, base=base, dev=dev, process=process, settings=settings) == expected


def test_the_process_counts_only_where_env_names_it(tmp_path: Path) -> None:
    text = declared("{type: string, default: default}")
    assert used(tmp_path, dev=text, process={"x": "process", "X": "process"}) == "default"


def test_a_variable_without_env_stands_in_dotenv_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("x=file\n")
    assert used(tmp_path, dev=declared("{type: string, default: default}")) == "file"


def test_a_variable_with_env_stands_in_dotenv_under_that_name_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("x=file\n")
    assert used(tmp_path, dev=declared(STRING)) == "default"


def test_the_dotenv_of_another_environment_does_not_count(tmp_path: Path) -> None:
    (tmp_path / ".env.prod").write_text("X_VAR=prod\n")
    assert used(tmp_path, dev=declared(STRING)) == "default"


def test_an_empty_value_is_a_value(tmp_path: Path) -> None:
    assert used(tmp_path, dev=declared(STRING), process={"X_VAR": ""}) == ""
    assert used(tmp_path, dev=declared(STRING), settings={"x": ""}) == ""


def test_a_childs_default_reaches_into_its_parents(tmp_path: Path) -> None:
    base = "abstract: true\n" + declared("{type: string, default: parent}")
    assert used(tmp_path, base=base, dev="extends: base\nvariables: {x: {default: child}}\n") == "child"


def test_a_parent_may_use_what_only_a_child_declares(tmp_path: Path) -> None:
    base = f"abstract: true\n{SERVICE}"
    dev = "extends: base\nvariables: {x: {type: string, default: child}}\n"
    assert used(tmp_path, base=base, dev=dev) == "child"


def test_a_childs_null_default_takes_the_parents_away(tmp_path: Path) -> None:
    base = "abstract: true\n" + declared("{type: string, default: parent}")
    environment, found = attempt(tmp_path, base=base, dev="extends: base\nvariables: {x: {default: null}}\n")
    assert environment is None
    assert [one.code for one in found] == ["EV204"]


def test_a_child_that_changes_the_type_inherits_no_bounds(tmp_path: Path) -> None:
    base = "abstract: true\n" + declared("{type: int, default: 5, min: 1, max: 9}")
    assert used(tmp_path, base=base, dev="extends: base\nvariables: {x: {type: string, default: many}}\n") == "many"


def test_a_child_may_tighten_bounds(tmp_path: Path) -> None:
    base = "abstract: true\n" + declared("{type: int, default: 5, min: 1, max: 9}")
    environment, found = attempt(tmp_path, base=base, dev="extends: base\nvariables: {x: {max: 4}}\n")
    assert environment is None
    assert [(one.code, one.expected) for one in found] == [("EV205", "a whole number, at least 1, at most 4")]


def test_a_child_replaces_an_enums_values(tmp_path: Path) -> None:
    base = "abstract: true\n" + declared("{type: enum, values: [a, b], default: a}")
    dev = "extends: base\nvariables: {x: {values: [c, d], default: c}}\n"
    assert used(tmp_path, base=base, dev=dev) == "c"
    environment, found = attempt(tmp_path, base=base, dev=dev, settings={"x": "a"})
    assert environment is None
    assert [one.expected for one in found] == ["one of c, d"]


def test_a_variable_can_be_reset(tmp_path: Path) -> None:
    base = "abstract: true\n" + declared("{type: string, default: parent}")
    environment, found = attempt(tmp_path, base=base, dev="extends: base\nvariables: {x: !reset null}\n")
    assert environment is None
    assert [one.code for one in found] == ["EV203"]


def test_a_variable_can_be_declared_anew(tmp_path: Path) -> None:
    base = "abstract: true\n" + declared("{type: string, pattern: 'p.*', default: parent}")
    dev = "extends: base\nvariables: {x: !override {type: string, default: child}}\n"
    assert used(tmp_path, base=base, dev=dev) == "child"


# --- types

GOOD = [
    ("{type: string}", "a b", "a b"),
    ("{type: string}", "007", "007"),
    ("{type: string, pattern: '[a-z]+'}", "abc", "abc"),
    ("{type: int}", "12", 12),
    ("{type: int}", "-3", -3),
    ("{type: int}", "+3", 3),
    ("{type: int, min: 1, max: 3}", "1", 1),
    ("{type: int, min: 1, max: 3}", "3", 3),
    ("{type: number}", "1.5", 1.5),
    ("{type: number}", ".5", 0.5),
    ("{type: number}", "1e3", 1000.0),
    ("{type: number}", "7", 7),
    ("{type: bool}", "true", True),
    ("{type: bool}", "FALSE", False),
    ("{type: bool}", "on", True),
    ("{type: bool}", "no", False),
    ("{type: bool}", "1", True),
    ("{type: bool}", "0", False),
    ("{type: enum, values: [a, b]}", "b", "b"),
    ("{type: enum, values: [16, 17]}", "17", 17),
    ("{type: enum, values: ['16', 17]}", "16", "16"),
    ("{type: port}", "1", 1),
    ("{type: port}", "65535", 65535),
    ("{type: port}", "auto", "auto"),
    ("{type: size}", "512m", "512m"),
    ("{type: size}", "1.5GiB", "1.5GiB"),
    ("{type: size}", "1024", 1024),
    ("{type: size, min: 1m, max: 1g}", "1024k", "1024k"),
    ("{type: duration}", "1m30s", "1m30s"),
    ("{type: duration}", "0", "0"),
    ("{type: duration, min: 1s, max: 2m}", "119s", "119s"),
]


@pytest.mark.parametrize(("declaration", "text", "expected"), GOOD)
def test_text_from_outside_becomes_a_value_of_the_type(
    tmp_path: Path, declaration: str, text: str, expected: object
) -> None:
    found = used(tmp_path, dev=declared(declaration), settings={"x": text})
    assert found == expected
    assert type(found) is type(expected)


BAD = [
    ("{type: string, pattern: '[a-z]+'}", "abc1", "a string that matches [a-z]+"),
    ("{type: string, pattern: '[a-z]+'}", "abc\n", "a string that matches [a-z]+"),
    ("{type: int}", "1.0", "a whole number"),
    ("{type: int}", " 1", "a whole number"),
    ("{type: int}", "1_000", "a whole number"),
    ("{type: int}", "٣", "a whole number"),
    ("{type: int}", "", "a whole number"),
    ("{type: int}", "0x10", "a whole number"),
    ("{type: int, min: 1, max: 3}", "0", "a whole number, at least 1, at most 3"),
    ("{type: int, min: 1, max: 3}", "4", "a whole number, at least 1, at most 3"),
    ("{type: number}", "nan", "a number"),
    ("{type: number}", "inf", "a number"),
    ("{type: number, max: 1}", "1.01", "a number, at most 1"),
    ("{type: bool}", "2", "true or false"),
    ("{type: bool}", "", "true or false"),
    ("{type: enum, values: [a, b]}", "A", "one of a, b"),
    ("{type: port}", "0", 'a port from 1 to 65535, or "auto"'),
    ("{type: port}", "65536", 'a port from 1 to 65535, or "auto"'),
    ("{type: port}", "http", 'a port from 1 to 65535, or "auto"'),
    ("{type: size}", "big", 'a size such as "512m"'),
    ("{type: size, max: 1g}", "1025m", 'a size such as "512m", at most 1g'),
    ("{type: duration}", "30", 'a duration such as "30s"'),
    ("{type: duration, min: 1s}", "999ms", 'a duration such as "30s", at least 1s'),
]


@pytest.mark.parametrize(("declaration", "text", "expected"), BAD)
def test_what_does_not_fit_is_refused_without_repeating_the_value(
    tmp_path: Path, declaration: str, text: str, expected: str
) -> None:
    found = problems(tmp_path, declaration, settings={"x": text})
    assert [(one.code, one.expected) for one in found] == [("EV205", expected)]
    assert '"x" from --set' in found[0].message


def test_a_value_from_outside_is_never_repeated(tmp_path: Path) -> None:
    found = problems(tmp_path, "{type: int, env: X_VAR}", process={"X_VAR": "hunter2"})
    assert "hunter2" not in repr(found)
    assert "process environment (X_VAR)" in found[0].message


def test_a_value_of_a_dotenv_file_is_blamed_there_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nx=hunter2\n")
    found = problems(tmp_path, "{type: int}")
    assert len(found) == 1
    assert found[0].span is not None
    assert (found[0].span.source.name, found[0].span.line, found[0].span.source.confidential) == (".env", 2, True)
    assert [note.text for note in found[0].notes] == ["declared here"]


@pytest.mark.parametrize(
    ("declaration", "code", "at"),
    [
        ("{type: int, default: many}", "EV106", "many"),
        ("{type: int, default: true}", "EV106", "true"),
        ("{type: int, default: 1.5}", "EV106", "1.5"),
        ("{type: int, default: 0, min: 1}", "EV205", "0"),
        ("{type: number, default: '1'}", "EV106", "'1'"),
        ("{type: bool, default: 'yes'}", "EV106", "'yes'"),
        ("{type: string, default: 5}", "EV106", "5"),
        ("{type: string, default: abc, pattern: '[0-9]+'}", "EV205", "abc"),
        ("{type: enum, values: [a], default: b}", "EV205", "b"),
        ("{type: enum, values: [], default: b}", "EV108", "[]"),
        ("{type: enum, default: b}", "EV107", "x"),
        ("{type: port, default: 0}", "EV205", "0"),
        ("{type: port, default: any}", "EV108", "any"),
        ("{type: size, default: big}", "EV112", "big"),
        ("{type: duration, default: 30}", "EV102", "30"),
        ("{type: string, pattern: '('}", "EV108", "'('"),
        ("{type: string, min: 1}", "EV105", "min"),
        ("{type: int, values: [1]}", "EV105", "values"),
        ("{type: strin}", "EV108", "strin"),
        ("{default: a}", "EV107", "x"),
        ("{type: string, default: '${y}'}", "EV206", "'${y}'"),
        ("text", "EV106", "text"),
    ],
)
def test_a_wrong_declaration_is_one_error_at_its_place(tmp_path: Path, declaration: str, code: str, at: str) -> None:
    found = problems(tmp_path, declaration)
    assert [one.code for one in found] == [code], [one.message for one in found]
    assert found[0].span is not None
    assert marked(found[0].span) == at


@pytest.mark.parametrize("name", ["a-b", "1a", "a b", "a.b", "ä"])
def test_a_variables_name_is_one_that_can_be_referred_to(tmp_path: Path, name: str) -> None:
    text = f"variables: {{'{name}': {{type: string, default: a}}}}\nservices: {{api: {{image: busybox}}}}\n"
    environment, found = attempt(tmp_path, dev=text)
    assert environment is None
    assert [one.code for one in found] == ["EV004"]


def test_a_built_in_name_cannot_be_declared(tmp_path: Path) -> None:
    text = "variables: {ENVMAN_PROJECT: {type: string}}\nservices: {api: {image: busybox}}\n"
    environment, found = attempt(tmp_path, dev=text)
    assert environment is None
    assert [(one.code, one.expected) for one in found] == [("EV205", "another name")]


def test_a_set_that_nothing_takes_is_an_error_with_a_near_match(tmp_path: Path) -> None:
    text = "variables: {http_port: {type: port, default: auto}}\nservices: {api: {image: busybox}}\n"
    environment, found = attempt(tmp_path, dev=text, settings={"htp_port": "1"})
    assert environment is None
    assert [(one.code, one.help) for one in found] == [("EV209", 'did you mean "http_port"?')]


def test_a_variable_that_nothing_uses_still_has_to_be_right(tmp_path: Path) -> None:
    text = "variables: {x: {type: int, default: 0, min: 1}}\nservices: {api: {image: busybox}}\n"
    environment, found = attempt(tmp_path, dev=text)
    assert environment is None
    assert [one.code for one in found] == ["EV205"]


def test_a_variable_without_a_value_that_nothing_uses_is_fine(tmp_path: Path) -> None:
    text = "variables: {x: {type: int}}\nservices: {api: {image: busybox}}\n"
    environment, found = attempt(tmp_path, dev=text)
    assert environment is not None
    assert found == []


def test_a_wrong_variable_is_reported_once_however_often_it_is_used(tmp_path: Path) -> None:
    text = (
        "variables: {x: {type: int, default: 0, min: 1}}\n"
        "services: {api: {image: 'a:${x}', environment: {A: '${x}', B: 'x${x}'}}}\n"
    )
    environment, found = attempt(tmp_path, dev=text)
    assert environment is None
    assert [one.code for one in found] == ["EV205"]
