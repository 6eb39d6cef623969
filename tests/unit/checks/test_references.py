"""EV301, EV305: names that are used are defined, and nobody waits in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import complaints
from trees import marked

DEFINED = """\
networks: {front: null}
volumes: {data: null}
secrets: {token: {source: generate}}
configs: {conf: {content: x}}
models: {llm: {model: x}}
"""


def api(text: str) -> str:
    return f"services: {{api: {{image: b, {text}}}, db: {{image: b}}}}\n{DEFINED}"


@pytest.mark.parametrize(
    ("text", "message", "expected", "at"),
    [
        ("networks: [frnt]", 'network "frnt" is not defined', 'did you mean "front"?', "frnt"),
        ("networks: {zzz: {aliases: [a]}}", 'network "zzz" is not defined', '"zzz" under `networks:`', "zzz"),
        ("volumes: ['dta:/d']", 'volume "dta" is not defined', 'did you mean "data"?', "'dta:/d'"),
        ("volumes: [{type: volume, source: dta, target: /d}]", 'volume "dta" is not defined', 'did you mean "data"?', "dta"),
        ("secrets: [tokn]", 'secret "tokn" is not defined', 'did you mean "token"?', "tokn"),
        ("configs: [cnf]", 'config "cnf" is not defined', 'did you mean "conf"?', "cnf"),
        ("models: [llms]", 'model "llms" is not defined', 'did you mean "llm"?', "llms"),
        ("depends_on: [dbb]", 'service "dbb" is not defined', 'did you mean "db"?', "dbb"),
        ("environment: {A: {secret: tokn}}", 'secret "tokn" is not defined', 'did you mean "token"?', "tokn"),
        ("build: {context: ., secrets: [tokn]}", 'secret "tokn" is not defined', 'did you mean "token"?', "tokn"),
        ("network_mode: 'service:dbb'", 'service "dbb" is not defined', 'did you mean "db"?', "'service:dbb'"),
        ("ipc: 'service:dbb'", 'service "dbb" is not defined', 'did you mean "db"?', "'service:dbb'"),
        ("uts: 'service:dbb'", 'service "dbb" is not defined', 'did you mean "db"?', "'service:dbb'"),
        ("links: ['dbb:x']", 'service "dbb" is not defined', 'did you mean "db"?', "'dbb:x'"),
        ("volumes_from: ['dbb:ro']", 'service "dbb" is not defined', 'did you mean "db"?', "'dbb:ro'"),
        ("depends_on: {dbb: {condition: service_started, required: false}}", 'service "dbb" is not defined', 'did you mean "db"?', "dbb"),
        ("build: {context: ., additional_contexts: {x: 'service:dbb'}}", 'service "dbb" is not defined', 'did you mean "db"?', "'service:dbb'"),
        ("pid: 'service:dbb'", 'service "dbb" is not defined', 'did you mean "db"?', "'service:dbb'"),
    ],
)  # fmt: skip
def test_an_undefined_name_is_an_error_where_it_is_used(
    tmp_path: Path, text: str, message: str, expected: str, at: str
) -> None:
    found = complaints(tmp_path, "EV301", dev=api(text))
    assert [(one.message, one.expected) for one in found] == [(message, expected)]
    assert found[0].span is not None
    assert marked(found[0].span) == at


@pytest.mark.parametrize(
    "text",
    [
        "networks: [front, default]",
        "volumes: ['data:/d', /anonymous, './src:/b']",
        "secrets: [token]",
        "configs: [conf]",
        "models: [llm]",
        "depends_on: [db]",
        "depends_on: {db: {condition: service_started, required: false}}",
        "links: ['db:database']",
        "volumes_from: ['db:ro', 'container:other']",
        "network_mode: 'service:db'",
        "network_mode: host",
        "environment: {A: {secret: token}}",
    ],
)
def test_what_is_defined_or_optional_is_none(tmp_path: Path, text: str) -> None:
    assert complaints(tmp_path, "EV301", dev=api(text)) == []


def services(**waits: list[str]) -> str:
    lines = [f"  {name}: {{image: b, depends_on: [{', '.join(others)}]}}\n" for name, others in waits.items()]
    return "services:\n" + "".join(lines)


@pytest.mark.parametrize(
    ("waits", "messages"),
    [
        ({"a": ["a"]}, ["a -> a"]),
        ({"a": ["b"], "b": ["a"]}, ["a -> b -> a"]),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, ["a -> b -> c -> a"]),
        ({"z": ["a"], "a": ["b"], "b": ["a"]}, ["a -> b -> a"]),
        ({"a": ["b", "c"], "b": ["a"], "c": ["a"]}, ["a -> b -> a", "a -> c -> a"]),
        ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, ["a -> b -> a", "c -> d -> c"]),
    ],
)
def test_a_circle_is_told_once(tmp_path: Path, waits: dict[str, list[str]], messages: list[str]) -> None:
    found = complaints(tmp_path, "EV305", dev=services(**waits))
    assert sorted(one.message for one in found) == [f"services wait for each other: {one}" for one in messages]


@pytest.mark.parametrize(
    "waits",
    [{"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, {"a": ["b"], "b": []}, {"a": ["b", "c"], "b": ["c"], "c": []}],
)
def test_a_diamond_is_no_circle(tmp_path: Path, waits: dict[str, list[str]]) -> None:
    assert complaints(tmp_path, "EV305", dev=services(**waits)) == []


def test_a_long_chain_is_followed_to_its_end(tmp_path: Path) -> None:
    chain = {f"s{index}": [f"s{index + 1}"] for index in range(1500)}
    assert complaints(tmp_path, "EV305", dev=services(**chain, s1500=[])) == []
    found = complaints(tmp_path, "EV305", dev=services(**chain, s1500=["s1400"]))
    assert len(found) == 1
    assert found[0].message.startswith("services wait for each other: s1400 -> s1401 ->")


def test_many_ways_to_one_service_take_no_longer_than_the_services_are_many(tmp_path: Path) -> None:
    # 2**30 ways lead from the first layer to the last.
    layers = {f"{side}{index}": [f"a{index + 1}", f"b{index + 1}"] for index in range(30) for side in "ab"}
    assert complaints(tmp_path, "EV305", dev=services(**layers, a30=[], b30=[])) == []
