from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from plain_scalars import NUMBERS, STRINGS, TIMES, WORDS
from trees import data, tree

from envman.diagnostics import Report, Source
from envman.source.reader import read_tree
from envman.source.tree import plain
from envman.source.writer import quote, write_key, write_yaml

# NUL and lone surrogates come in from no file that envman reads.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
SCALARS = st.one_of(
    TEXT,
    st.sampled_from([*NUMBERS, *WORDS, *STRINGS, *TIMES]),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
)
DATA = st.dictionaries(
    TEXT,
    st.recursive(SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4)),
    max_size=5,
)


def again(text: str) -> Any:
    report = Report()
    found = read_tree(Source("a.yaml", text), report)
    assert found is not None, [one.message for one in report]
    return plain(found)


@given(DATA)
def test_what_is_written_is_read_again(written: dict[str, Any]) -> None:
    assert repr(again(write_yaml(written))) == repr(written)


@given(st.dictionaries(TEXT, st.recursive(TEXT, lambda below: st.lists(below, max_size=3), max_leaves=6)))
def test_pyyaml_reads_the_same_strings(written: dict[str, Any]) -> None:
    assert yaml.safe_load(write_yaml(written)) == written


@pytest.mark.parametrize("text", [*NUMBERS, *WORDS, *STRINGS, *TIMES])
def test_a_string_that_looks_like_more_stays_a_string_to_every_reader(text: str) -> None:
    written = write_yaml({text: [text, {text: text}]})
    expected = {text: [text, {text: text}]}
    assert data(written) == expected
    assert yaml.safe_load(written) == expected


def test_the_layout() -> None:
    assert write_yaml(
        {
            "services": {
                "api": {
                    "image": "nginx:1",
                    "ports": [{"target": 80, "published": "8080"}, [1, [2, {}]], []],
                    "environment": {},
                    "init": True,
                    "command": None,
                    "on": 1.5,
                }
            }
        }
    ) == (
        "services:\n"
        "  api:\n"
        '    image: "nginx:1"\n'
        "    ports:\n"
        "      - target: 80\n"
        '        published: "8080"\n'
        "      - - 1\n"
        "        - - 2\n"
        "          - {}\n"
        "      - []\n"
        "    environment: {}\n"
        "    init: true\n"
        "    command: null\n"
        '    "on": 1.5\n'
    )


def test_nothing_is_an_empty_mapping() -> None:
    assert write_yaml({}) == "{}\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a$b", '"a$b"'),
        ('"\\', '"\\"\\\\"'),
        ("a\nb\t", '"a\\nb\\t"'),
        ("é😀", '"é😀"'),
        ("\x7f\x85\u2028\ufeff\uffff", '"\\u007f\\u0085\\u2028\\ufeff\\uffff"'),
    ],
)
def test_quoting(text: str, written: str) -> None:
    assert quote(text) == written
    assert plain(tree(f"a: {written}")) == {"a": text}


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("api", "api"),
        ("x-a", "x-a"),
        ("a.b/c_d", "a.b/c_d"),
        ("/etc", "/etc"),
        ("yes", '"yes"'),
        ("Null", '"Null"'),
        (".inf", '".inf"'),
        ("1", '"1"'),
        ("-a", '"-a"'),
        ("---", '"---"'),
        ("<<", '"<<"'),
        ("a b", '"a b"'),
        ("", '""'),
        ("a:", '"a:"'),
        (".", '"."'),
        ("...", '"..."'),
        ("..", '".."'),
    ],
)
def test_keys(key: str, written: str) -> None:
    assert write_key(key) == written
    assert data(f"{written}: 1\n") == {key: 1}


@pytest.mark.parametrize(
    ("value", "written"), [(float("inf"), ".inf"), (float("-inf"), "-.inf"), (float("nan"), ".nan"), (1e20, "1e+20")]
)
def test_numbers_are_bare(value: float, written: str) -> None:
    assert write_yaml({"a": value}) == f"a: {written}\n"
