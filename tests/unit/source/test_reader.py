from __future__ import annotations

import tracemalloc

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from trees import data, marked, problems, source, tell, told, tree, where

from envman.diagnostics import Report, Source
from envman.source.reader import read_tree
from envman.source.tree import Mapping, Scalar, Sequence, dotted, key_span, leaves, node_at, plain, span_at


def test_spans_of_keys_and_values_are_exact() -> None:
    read = tree("""\
        services:
          api:
            image: "nginx:1"   # a comment
            ports: [{target: 80}, 'x']
        'a b': é
        """)
    api = node_at(read, ("services", "api"))
    assert isinstance(api, Mapping)
    assert {key: marked(span) for key, span in api.keys.items()} == {"image": "image", "ports": "ports"}
    assert [(dotted(path), marked(leaf.span)) for path, leaf in leaves(read)] == [
        ("services.api.image", '"nginx:1"'),
        ("services.api.ports[0].target", "80"),
        ("services.api.ports[1]", "'x'"),
        ("a b", "é"),
    ]
    assert marked(read.keys["a b"]) == "'a b'"
    assert marked(span_at(read, ("services", "api", "ports"))) == "[{target: 80}, 'x']"
    assert marked(span_at(read, ("services", "api", "ports", 0))) == "{target: 80}"


def test_a_block_collection_ends_with_its_last_value() -> None:
    read = tree("""\
        a:
          b: 1
          c:
            - x

        # a comment
        d: |
          text

        e:
        """)
    assert where(span_at(read, ("a",))) == "2:3-4:8"
    assert where(span_at(read, ("a", "c"))) == "4:5-8"
    assert where(span_at(read, ("d",))) == "7:4-8:7"
    assert where(span_at(read, ("e",))) == "10:3-3"
    assert where(read.span) == "1:1-10:3"


def test_columns_count_characters() -> None:
    read = tree("{größe: 😀, b: c}\n")
    assert where(read.keys["größe"]) == "1:2-7"
    assert where(span_at(read, ("größe",))) == "1:9-10"
    assert where(read.keys["b"]) == "1:12-13"


def test_a_missing_path_has_the_place_of_what_is_above_it() -> None:
    read = tree("a: {b: [c]}\n")
    assert marked(span_at(read, ("a", "x", "y"))) == "{b: [c]}"
    assert marked(span_at(read, ("a", "b", 3))) == "[c]"
    assert marked(key_span(read, ("a", "b"))) == "b"
    assert marked(key_span(read, ("a", "b", 0))) == "c"
    assert node_at(read, ("a", 0)) is None
    assert node_at(read, ("a", "b", "c")) is None


def test_values_are_read_as_compose_reads_them() -> None:
    assert data("{a: 0777, b: on, c: 22:22, d: '5', e: 1e3, f: ~, g: , h: \"\\u00e9\", i: x\n  y}") == {
        "a": 511, "b": "on", "c": "22:22", "d": "5", "e": 1000.0, "f": None, "g": None, "h": "é", "i": "x y",
    }  # fmt: skip
    assert data("a: >-\n  x\n  y\nb: |+\n  5\n\n") == {"a": "x y", "b": "5\n\n"}


def test_standard_tags() -> None:
    assert data("{a: !!str 5, b: !!float 1, c: !!null null, d: ! 5, e: !!int '7', f: !!map {}, g: !!seq []}") == {
        "a": "5", "b": 1.0, "c": None, "d": 5, "e": 7, "f": {}, "g": [],
    }  # fmt: skip


def test_reset_and_override_stay_as_tags() -> None:
    read = tree("{a: !reset null, b: !override [x], c: !override {y: z}, d: !reset '5', e: !override 5}\n")
    assert {key: node.tag for key, node in read.entries.items()} == {
        "a": "!reset", "b": "!override", "c": "!override", "d": "!reset", "e": "!override",
    }  # fmt: skip
    assert plain(read) == {"a": None, "b": ["x"], "c": {"y": "z"}, "d": "5", "e": 5}


def test_merge_keys() -> None:
    assert data("""\
        x-a: &a {one: 1, two: 2}
        x-b: &b {two: two, three: 3}
        own: {<<: *a, two: own}
        list: {<<: [*b, *a]}
        quoted: {'<<': *a}
        tagged: {!!merge <<: *a, !!str 12: x}
        string: {!!str <<: *a}
        """) == {
        "x-a": {"one": 1, "two": 2},
        "x-b": {"two": "two", "three": 3},
        "own": {"two": "own", "one": 1},
        "list": {"two": "two", "three": 3, "one": 1},
        "quoted": {"<<": {"one": 1, "two": 2}},
        "tagged": {"one": 1, "two": 2, "12": "x"},
        "string": {"<<": {"one": 1, "two": 2}},
    }


def test_what_is_merged_and_aliased_stands_where_it_was_written() -> None:
    read = tree("x-a: &a {one: 1}\nb: {<<: *a}\nc: *a\n")
    assert where(span_at(read, ("b", "one"))) == "1:15-16"
    assert where(key_span(read, ("b", "one"))) == "1:10-13"
    assert node_at(read, ("c",)) is node_at(read, ("x-a",))


def test_an_anchor_can_be_taken_anew_and_stand_on_a_key() -> None:
    assert data("{a: &x 1, b: &x 2, c: *x, &k key: 3, d: *k}") == {"a": 1, "b": 2, "c": 2, "key": 3, "d": "key"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", 'EV101 3:1-2 "a" stands twice in this mapping'),
        ("{<<: {a: 1}, <<: {b: 2}}", 'EV101 1:14-16 "<<" stands twice in this mapping'),
        ("a: {<<: 5}", "EV106 1:5-7 << merges an integer"),
        ("a: {<<: [[]]}", "EV106 1:5-7 << merges a list"),
        ("a:\n\tb: 1\n", "EV100 2:1-2 a tab is used for indentation"),
        ("a:\n  - b\n\t- c\n", "EV100 3:1-2 a tab is used for indentation"),
        ("a: !env HOME", "EV109 1:4-13 unknown tag !env"),
        ("a: !!binary aGk=", "EV109 1:4-17 unknown tag !!binary"),
        ("a: !!merge x", "EV109 1:4-13 unknown tag !!merge"),
        ("a: {!!merge <<: {b: 1}, <<: {c: 1}}", 'EV101 1:25-27 "<<" stands twice in this mapping'),
        ("a: !!python/object:os.system [x]", "EV109 1:4-31 unknown tag !!python/object:os.system"),
        ("a: !<tag:example.org,2000:int> 5", "EV109 1:4-33 unknown tag tag:example.org,2000:int"),
        ("a: !int 5", "EV109 1:4-10 unknown tag !int"),
        ("a: !!int x", "EV106 1:4-11 'x' is not a YAML int"),
        ("a: !!bool 1", "EV106 1:4-12 '1' is not a YAML bool"),
        ("1: x", "EV106 1:1-2 the key is an integer"),
        ("true: x", "EV106 1:1-5 the key is a boolean"),
        ("1.5: x", "EV106 1:1-4 the key is a number"),
        ("~: x", "EV106 1:1-2 the key is null"),
        ("? \n: x", "EV106 1:2-2 the key is null"),
        ("[a]: x", "EV106 1:1-2 the key is a collection"),
        ("? {a: b}\n: x", "EV106 1:3-4 the key is a collection"),
        ("a: &a b\n*a : c", "EV106 2:1-3 the key is an alias"),
        ("a: *b", "EV100 1:4-6 *b has no anchor before it"),
        ("a: &a [*a]", "EV100 1:8-10 *a refers to a value that holds it"),
        ("a: 1\n---\nb: 2\n", "EV100 2:1-4 a second document starts here"),
        ("a: 2024-01-01", "EV106 1:4-14 2024-01-01 is a time"),
        ("", "EV111 1:1-1 a.yaml is empty"),
        ("# nothing\n\n", "EV111 1:1-1 a.yaml is empty"),
        ("---\n", "EV111 1:1-1 a.yaml is empty"),
        ("null", "EV111 1:1-1 a.yaml is empty"),
        ("[a]", "EV106 1:1-4 a.yaml holds a list"),
        ("a", "EV106 1:1-2 a.yaml holds a string"),
        ("a: [", "EV100 2:1-2 did not find expected node content"),
        ("a: 'x", "EV100 1:6-7 found unexpected end of stream"),
        ("a: b: c", "EV100 1:5-6 mapping values are not allowed in this context"),
        ("a: @x", "EV100 1:4-5 found character that cannot start any token"),
        ("%YAML 3.0\n---\na: b", "EV100 1:1-2 found incompatible YAML document"),
        ("a: \x07", "EV100 1:4-5 a control character stands in the text"),
        ("a: b\né: \x1b", "EV100 2:4-5 a control character stands in the text"),
        ("a: b\n\x00", "EV100 2:1-2 a control character stands in the text"),
        ("a: \ufeffb", "EV100 1:4-5 a control character stands in the text"),
    ],
)
def test_what_is_refused(text: str, expected: str) -> None:
    assert [tell(one) for one in problems(text)] == [expected]


def test_both_places_of_a_duplicate_key_are_shown() -> None:
    (one,) = problems("a: 1\nb: {a: 2}\n'a': 3\n")
    assert one.span is not None
    assert marked(one.span) == "'a'"
    assert [(note.text, where(note.span)) for note in one.notes if note.span] == [("first written here", "1:1-2")]


def test_an_unclosed_bracket_names_where_it_was_opened() -> None:
    (one,) = problems("a: [b,\nc: d\n")
    assert [(note.text, note.span and note.span.line) for note in one.notes] == [("while parsing a flow sequence", 1)]


def test_all_problems_are_found_in_one_reading() -> None:
    assert [tell(one) for one in problems("1: x\na: !env y\nb: 1\nb: 2\n")] == [
        "EV106 1:1-2 the key is an integer",
        "EV109 2:4-10 unknown tag !env",
        'EV101 4:1-2 "b" stands twice in this mapping',
    ]


def test_a_hundred_problems_are_enough() -> None:
    found = problems("a: 1\n" * 200_000)
    assert len(found) == 101
    assert tell(found[-1]) == "EV100 101:1-2 more than 100 problems: the rest is not read"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(BOMB, "EV110", id="nested aliases"),
        pytest.param("<<: &a\n" + "  <<: *a\n", "EV100", id="an alias in its own anchor"),
        pytest.param("[" * 100_000, "EV110", id="flow lists"),
        pytest.param("{a: " * 100_000, "EV110", id="flow mappings"),
        pytest.param("- " * 100_000, "EV110", id="block lists"),
        pytest.param("? " * 100_000, "EV106", id="complex keys"),
        pytest.param("".join(" " * depth + "a:\n" for depth in range(2_000)), "EV110", id="block mappings"),
        pytest.param("a: [" + "x," * 1_000_000 + "]", "EV110", id="a million values"),
        pytest.param("a: " + "&a " * 100_000, "EV100", id="anchors"),
        pytest.param("a: " + "!!str " * 100_000, "EV100", id="tags"),
        pytest.param('a: "' + "x" * 8_000_000, "EV100", id="a string that never ends"),
    ],
)
def test_hostile_text_ends_soon_with_a_diagnostic(text: str, expected: str) -> None:
    assert len(BOMB) < 1024
    assert [one.code for one in problems(text)] == [expected]


def test_depth_and_size_that_people_write_are_read() -> None:
    deep = "{a: " * 90 + "x" + "}" * 90
    assert data(deep)
    assert len(data("a: |\n  " + "x" * 3_000_000)["a"]) == 3_000_000


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    report = Report()
    found = read_tree(Source("a.yaml", text), report)
    assert (found is None) == bool(report.errors)


YAML_ALPHABET = st.text(alphabet="ab:-?[]{},&*!|>'\"#%@ \n\t<~0\\", max_size=40)


@given(YAML_ALPHABET)
def test_what_pyyaml_refuses_is_refused(text: str) -> None:
    report = Report()
    found = read_tree(Source("a.yaml", text), report)
    if found is None:
        assert report.errors
        return
    expected = yaml.load(text, Loader=yaml.CBaseLoader)  # strings only: how scalars resolve is another test's matter
    assert list(found.entries) or expected == {}
    if "<<" not in text:
        assert list(found.entries) == list(expected)


@given(YAML_ALPHABET)
def test_every_span_lies_in_the_text(text: str) -> None:
    report = Report()
    read = source(text)
    found = read_tree(read, report)
    lines = len(read.text.splitlines()) + 1
    spans = [one.span for one in report if one.span is not None]
    if found is not None:
        spans += [leaf.span for _, leaf in leaves(found)] + list(found.keys.values())
    for span in spans:
        assert 1 <= span.line <= span.end_line <= lines
        assert 1 <= span.column <= len(read.line(span.line)) + 1


def test_a_report_keeps_one_of_each_and_knows_what_it_was_given() -> None:
    (one,) = problems("a: *b")
    report = Report([one])
    report.add(one)
    report.extend(problems("a: *b"))
    assert told(report) == [tell(one), tell(one)], "another text is another place"


def test_kinds_of_nodes() -> None:
    read = tree("{a: [], b: {}, c: 1}")
    assert [type(node) for node in read.entries.values()] == [Sequence, Mapping, Scalar]


@pytest.mark.parametrize("text", [BOMB, "[" * 100_000, "a: 1\n" * 200_000])
def test_hostile_text_takes_little_memory(text: str) -> None:
    read = source(text)
    tracemalloc.start()
    try:
        read_tree(read, Report())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 1024 * 1024
