"""Interpolation: Compose's operators, and errors where Compose would put an empty string."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from environments import attempt, load
from trees import marked

from envman.diagnostics import Diagnostic

VARIABLES = """\
variables:
  set: {type: string, default: v}
  other: {type: string, default: w}
  empty: {type: string, default: ""}
  unset: {type: string}
  unset2: {type: string}
  count: {type: int, default: 3}
  ratio: {type: number, default: 1.5}
  whole: {type: number, default: 2.0}
  flag: {type: bool, default: true}
  port: {type: port, default: 8080}
"""


def blueprint(text: str) -> str:
    return f"{VARIABLES}services:\n  api:\n    image: busybox\n    environment:\n      A: {json.dumps(text)}\n"


def value(root: Path, text: str) -> Any:
    return load(root, dev=blueprint(text)).data["services"]["api"]["environment"]["A"]


def problem(root: Path, text: str) -> Diagnostic:
    environment, found = attempt(root, dev=blueprint(text))
    assert environment is None
    assert len(found) == 1, [one.message for one in found]
    return found[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # plain references
        ("a-$set-b", "a-v-b"),
        ("a-${set}-b", "a-v-b"),
        ("$set$other", "vw"),
        ("${set}${other}", "vw"),
        ("${empty}x", "x"),
        # a literal $
        ("$$", "$"),
        ("$$set", "$set"),
        ("$$$set", "$v"),
        ("$${set}", "${set}"),
        ("100$$", "100$"),
        # :- and -
        ("${set:-d}", "v"),
        ("${empty:-d}", "d"),
        ("${unset:-d}", "d"),
        ("${set-d}", "v"),
        ("${empty-d}", ""),
        ("${unset-d}", "d"),
        ("${unset:-}", ""),
        ("${unset-}", ""),
        # :+ and +
        ("${set:+d}", "d"),
        ("${empty:+d}", ""),
        ("${unset:+d}", ""),
        ("${set+d}", "d"),
        ("${empty+d}", "d"),
        ("${unset+d}", ""),
        # :? and ?
        ("${set:?no}", "v"),
        ("${set?no}", "v"),
        ("${empty?no}", ""),
        # operands
        ("${unset:-a b}", "a b"),
        ("${unset:-a:b}", "a:b"),
        ("${unset:-http://h:80/?q=1}", "http://h:80/?q=1"),
        ("${unset:--}", "-"),
        ("${unset:-:-}", ":-"),
        ("${unset:-{}}", "{}"),
        ("${unset:-$$}", "$"),
        ("${unset:-?}", "?"),
        # nested
        ("${unset:-${set}}", "v"),
        ("${unset:-$set}", "v"),
        ("${unset:-a${set}b${other}c}", "avbwc"),
        ("${unset:-${unset2:-${set}}}", "v"),
        ("${unset:-${empty:-${unset2-d}}}", "d"),
        ("${set:+${other}}", "w"),
        ("${set:-${undeclared}}", "v"),
        ("${unset+${undeclared}}", ""),
        ("${set:?${undeclared}}", "v"),
        # in text every type is text
        ("n=${count}", "n=3"),
        ("r=${ratio}", "r=1.5"),
        ("w=${whole}", "w=2"),
        ("b=${flag}", "b=true"),
        ("p=${port}", "p=8080"),
        ("${count:-7}", "3"),
        # what envman itself gives a value
        ("$ENVMAN_PROJECT/$ENVMAN_ENVIRONMENT/$COMPOSE_PROJECT_NAME", "churn/dev/churn-dev"),
    ],
)
def test_a_reference_becomes_its_value(tmp_path: Path, text: str, expected: str) -> None:
    assert value(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "code", "words", "at"),
    [
        ("a $unset b", "EV204", 'variable "unset" has no value', "$unset"),
        ("a ${unset} b", "EV204", 'variable "unset" has no value', "${unset}"),
        ("${unset}", "EV204", 'variable "unset" has no value', "${unset}"),
        ("$unset", "EV204", 'variable "unset" has no value', "$unset"),
        ("${set} $nothing", "EV203", 'variable "nothing" is not declared', "$nothing"),
        ("${nothing:-d}", "EV203", 'variable "nothing" is not declared', "${nothing:-d}"),
        ("${unset:?}", "EV208", 'variable "unset" is required: no value is set', "${unset:?}"),
        ("${unset:?say $set}", "EV208", 'variable "unset" is required: say v', "${unset:?say $set}"),
        ("${unset?m}", "EV208", 'variable "unset" is required: m', "${unset?m}"),
        ("${empty:?m}", "EV208", 'variable "empty" is required: m', "${empty:?m}"),
        ("${unset:-${unset2:?m}}", "EV208", 'variable "unset2" is required: m', "${unset2:?m}"),
        ("${unset:-${unset2}}", "EV204", 'variable "unset2" has no value', "${unset2}"),
        ("$$ ${unset:-$nothing}", "EV203", 'variable "nothing" is not declared', "$nothing"),
        ("5$", "EV206", "a lone $ stands here", "$"),
        ("$ {set}", "EV206", "a lone $ stands here", "$"),
        ("$1", "EV206", "a lone $ stands here", "$"),
        ("${set", "EV206", "a ${ is never closed", '${set"'),
        ("${unset:-${set}", "EV206", "a ${ is never closed", "${set}"),
        ("${}", "EV206", "${} names no variable", "${}"),
        ("${1}", "EV206", "${1} names no variable", "${1}"),
        ("${ set }", "EV206", "${ set } names no variable", "${ set }"),
        ("${set!d}", "EV206", '"!d" is no operator', "${set!d}"),
        ("${set:d}", "EV206", '":d" is no operator', "${set:d}"),
        ("${set.x}", "EV206", '".x" is no operator', "${set.x}"),
    ],
)
def test_what_cannot_be_replaced_is_an_error_at_its_own_place(
    tmp_path: Path, text: str, code: str, words: str, at: str
) -> None:
    found = problem(tmp_path, text)
    assert (found.code, found.message) == (code, words)
    assert found.span is not None
    # Nobody knows where an unclosed reference ends, so all of the scalar is marked.
    assert marked(found.span) == at


def test_a_misspelt_variable_gets_a_near_match(tmp_path: Path) -> None:
    found = problem(tmp_path, "${otherr}")
    assert found.expected == 'did you mean "other"?'


def test_nesting_has_a_depth_that_is_enough_and_an_end(tmp_path: Path) -> None:
    assert value(tmp_path, "${unset:-" * 15 + "x" + "}" * 15) == "x"
    assert problem(tmp_path, "${unset:-" * 5000 + "$set" + "}" * 5000).code == "EV206"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [("${count}", 3), ("$count", 3), ("${ratio}", 1.5), ("${flag}", True), ("${port}", 8080), ("${set}", "v")],
)
def test_a_lone_reference_keeps_the_variables_type(tmp_path: Path, reference: str, expected: object) -> None:
    found = value(tmp_path, reference)
    assert found == expected
    assert type(found) is type(expected)


def test_a_lone_number_is_text_where_only_text_fits(tmp_path: Path) -> None:
    text = f"{VARIABLES}services: {{api: {{image: '${{count}}', command: ['${{count}}', '$ratio']}}}}\n"
    service = load(tmp_path, dev=text).data["services"]["api"]
    assert service["image"] == "3"
    assert service["command"] == ["3", "1.5"]


def test_keys_are_not_interpolated(tmp_path: Path) -> None:
    text = f"{VARIABLES}services: {{api: {{image: busybox, environment: {{'$set': x}}, labels: {{'${{no}}': y}}}}}}\n"
    service = load(tmp_path, dev=text).data["services"]["api"]
    assert service["environment"] == {"$set": "x"}
    assert service["labels"] == {"${no}": "y"}


def test_names_of_the_shell_are_no_variables(tmp_path: Path) -> None:
    environment, found = attempt(tmp_path, process={"HOME": "/root"}, dev=blueprint("$HOME"))
    assert environment is None
    assert [one.code for one in found] == ["EV203"]


def test_the_instance_is_a_variable(tmp_path: Path) -> None:
    text = blueprint("$ENVMAN_INSTANCE|$COMPOSE_PROJECT_NAME")
    one = load(tmp_path, dev=text).data["services"]["api"]["environment"]["A"]
    two = load(tmp_path, instance="two", dev=text).data["services"]["api"]["environment"]["A"]
    assert (one, two) == ("|churn-dev", "two|churn-dev-two")


def test_a_secret_is_no_variable(tmp_path: Path) -> None:
    environment, found = attempt(tmp_path, dev=blueprint("${db}") + "secrets: {db: {source: generate}}\n")
    assert environment is None
    assert [one.code for one in found] == ["EV207"]
    assert "secrets: [db]" in found[0].help


def test_a_secret_of_a_parent_is_no_variable_of_the_child(tmp_path: Path) -> None:
    base = "abstract: true\nsecrets: {db: {source: generate}}\n"
    environment, found = attempt(tmp_path, base=base, dev="extends: base\n" + blueprint("$db"))
    assert environment is None
    assert [one.code for one in found] == ["EV207"]


def test_a_problem_goes_with_the_value_that_a_child_replaces(tmp_path: Path) -> None:
    base = "abstract: true\n" + blueprint("${unset} ${nothing}")
    child = "extends: base\nservices: {api: {environment: {A: fine}}}\n"
    environment, found = attempt(tmp_path, base=base, dev=child)
    assert found == []
    assert environment is not None
    assert environment.data["services"]["api"]["environment"] == {"A": "fine"}


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("environment: ['A=${unset}']", "environment: {A: fine}"),
        ("environment: ['A=${unset}']", "environment: ['A=fine']"),
        ("ports: ['${unset}:80']", "ports: ['8080:80']"),
        ("ports: [{target: 80, published: '${unset}'}]", "ports: ['8080:80']"),
        ("volumes: ['${unset}:/data']", "volumes: ['data:/data']"),
        ("command: ['${unset}']", "command: [run]"),
        ("command: ['${unset}']", "command: !reset null"),
        ("build: '${unset}'", "build: {context: .}"),
        ("labels: {a: '${unset}'}", "labels: !override {b: c}"),
        ("healthcheck: {test: '${unset}'}", "healthcheck: {test: [NONE]}"),
    ],
)
def test_a_problem_in_a_short_form_goes_with_it_too(tmp_path: Path, parent: str, child: str) -> None:
    base = f"abstract: true\n{VARIABLES}services: {{api: {{image: busybox, {parent}}}}}\nvolumes: {{data: null}}\n"
    environment, found = attempt(tmp_path, base=base, dev=f"extends: base\nservices: {{api: {{{child}}}}}\n")
    assert [one.message for one in found] == []
    assert environment is not None


def test_a_problem_that_survives_the_merge_is_reported_once_for_all_uses(tmp_path: Path) -> None:
    text = (
        f"{VARIABLES}services: {{api: {{image: busybox, environment: ['A=${{unset}}'], ports: ['${{unset}}:80']}}}}\n"
    )
    environment, found = attempt(tmp_path, dev=text)
    assert environment is None
    assert [one.code for one in found] == ["EV204", "EV204"]
    assert len({one.span for one in found}) == 2


def test_the_place_is_right_on_later_lines_of_a_block(tmp_path: Path) -> None:
    text = (
        f"{VARIABLES}services:\n  api:\n    image: busybox\n    command: |\n      echo $set\n      echo $$ $nothing\n"
    )
    environment, found = attempt(tmp_path, dev=text)
    assert environment is None
    assert found[0].span is not None
    assert marked(found[0].span) == "$nothing"
    assert found[0].span.line == text[: text.index("$nothing")].count("\n") + 1
