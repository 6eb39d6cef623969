"""Edits of a text in as few places as they need."""

from __future__ import annotations

from typing import Any

import pytest
from trees import tree

from envman.adopt.changes import Changes, written_anew
from envman.source.tree import Mapping, Path, Scalar, key_span, node_at, plain


def edited(text: str, *, path: Path = (), value: Any = None, removed: Path = ()) -> str | None:
    changes = Changes(tree(text))
    if path:
        node = node_at(changes.tree, path)
        assert isinstance(node, Scalar)
        changes.set_scalar(node, value)
    if removed:
        changes.remove(key_span(changes.tree, removed), "why")
    return changes.text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: x # kept\nb: y\n", 'a: "${N}" # kept\nb: y\n'),
        ("a: 'it''s'\nb: y\n", 'a: "${N}"\nb: y\n'),
        ("a: &anchor x\nb: *anchor\n", 'a: &anchor "${N}"\nb: *anchor\n'),
        ("a:\nb: y\n", 'a: "${N}"\nb: y\n'),
        ("a: |\n  one\n  two\nb: y\n", 'a: "${N}"\nb: y\n'),
        ("{a: x, b: y}\n", '{a: "${N}", b: y}\n'),
        ("a: !!str 5\nb: y\n", 'a: !!str "${N}"\nb: y\n'),
    ],
)
def test_a_scalar_is_replaced_where_it_stands(before: str, after: str) -> None:
    assert edited(before, path=("a",), value="${N}") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: x\nb: y\n", "# a: x  # why\nb: y\n"),
        ("a: x  # said\nb: y\n", "# a: x  # said\nb: y\n"),
        ("a:\n  - x\n\n  - z\nb: y\n", "# a:\n#   - x\n# \n#   - z\nb: y\n"),
        ("{a: x, b: y}\n", "{b: y}\n"),
        ("{b: y, a: x}\n", "{b: y}\n"),
    ],
)
def test_an_entry_becomes_a_comment(before: str, after: str) -> None:
    assert edited(before, removed=("a",)) == after


def test_the_first_entry_behind_a_dash_is_taken_out() -> None:
    assert edited("l:\n  - a: 1\n    b: 2\n", removed=("l", 0, "a")) == "l:\n  - b: 2\n"


def test_what_cannot_be_done_in_place_is_not_done() -> None:
    changes = Changes(tree("a: &x 1\nb: *x\n"))
    changes.remove(changes.tree.keys["a"], "why")
    assert changes.text() is None
    assert written_anew(changes.current()) == "b: 1\n"


def test_entries_are_put_before_those_of_a_list() -> None:
    changes = Changes(tree("a:\n  # first\n  - y\n  - z   # last\nb: [y]\n"))
    changes.write_out(("a",), ["x", "y", "z"], "!override", new=1)
    changes.write_out(("b",), ["w", "y"], "!override", new=1)
    assert changes.text() == 'a: !override\n  # first\n  - "x"\n  - y\n  - z   # last\nb: !override ["w", y]\n'


def test_an_alias_is_written_out_where_it_stands() -> None:
    changes = Changes(tree("x: &l [1]\na: *l\nb: *l\n"))
    changes.write_out(("a",), [0, 1], "!override")
    assert changes.text() == "x: &l [1]\na: !override [0, 1]\nb: *l\n"


def test_places_stay_those_of_the_original() -> None:
    changes = Changes(tree("a: {b: x}\n"))
    node = node_at(changes.tree, ("a", "b"))
    assert isinstance(node, Scalar)
    changes.set_scalar(node, "new")
    current = changes.current()
    assert plain(current) == {"a": {"b": "new"}}
    found = node_at(current, ("a", "b"))
    assert isinstance(current, Mapping)
    assert found is not None
    assert found.span == node.span


def test_tags_are_kept_where_a_file_is_written_anew() -> None:
    assert written_anew(tree("a: !override {b: [1, !reset x]}\nc: !reset []\n")) == (
        'a: !override\n  b:\n    - 1\n    - !reset "x"\nc: !reset []\n'
    )
