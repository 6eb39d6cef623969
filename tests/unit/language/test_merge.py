"""Merging layers: what a child's values do to its parents'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from environments import attempt, load
from trees import tree, where

from envman.diagnostics import Diagnostic, Report
from envman.language.merge import LIST_RULES, merge_layers
from envman.language.normalise import NORMALISERS
from envman.language.paths import PathTable
from envman.model.binding import Shape, shape_of
from envman.model.header import Declarations
from envman.model.stack import Stack
from envman.source.tree import node_at, plain

DEFINED = """\
networks: {a: null, b: null}
volumes: {aa: null, bb: null}
configs: {a: {content: x}, b: {content: x}}
secrets: {a: {source: generate}, b: {source: generate}}
"""


def service(root: Path, parent: str, child: str) -> dict[str, Any]:
    """Return service api where a base says ``parent`` of it and its child ``child``."""
    found, warnings = attempt_service(root, parent, child)
    assert warnings == [], [one.message for one in warnings]
    return found


def attempt_service(root: Path, parent: str, child: str) -> tuple[dict[str, Any], list[Diagnostic]]:
    base = f"abstract: true\nservices: {{api: {{image: busybox, {parent}}}}}\n{DEFINED}"
    dev = f"extends: base\nservices: {{api: {{{child}}}}}\n"
    environment, found = attempt(root, base=base, dev=dev)
    assert environment is not None, [one.message for one in found]
    service: dict[str, Any] = environment.data["services"]["api"]
    return service, found


def merged(*layers: str) -> Any:
    return plain(merge_layers([tree(layer) for layer in layers], Report()))


# --- mappings and scalars


def test_mappings_merge_by_key_and_keep_the_parents_order() -> None:
    assert list(merged("z: 1\na: {c: 1, b: 1}\n", "new: 2\na: {b: 2, d: 2}\n").items()) == [
        ("z", 1),
        ("a", {"c": 1, "b": 2, "d": 2}),
        ("new", 2),
    ]


def test_of_three_layers_the_last_one_wins() -> None:
    assert merged("a: 1\nb: 1\nc: 1\n", "a: 2\nb: 2\n", "a: 3\n") == {"a": 3, "b": 2, "c": 1}


def test_another_kind_of_value_replaces_it() -> None:
    assert merged("a: {b: 1}\n", "a: text\n") == {"a": "text"}
    assert merged("a: text\n", "a: [1]\n") == {"a": [1]}
    assert merged("a: [1]\n", "a: {b: 1}\n") == {"a": {"b": 1}}


def test_a_value_knows_what_it_replaced() -> None:
    parts = [tree("a: {b: 1}\n", "base"), tree("a:\n  b: 2\n", "mid"), tree("a: {b: 3}\n", "top")]
    node = node_at(merge_layers(parts, Report()), ("a", "b"))
    places = []
    while node is not None:
        places.append(f"{node.span.source.name} {where(node.span)}")
        node = node.overrides
    assert places == ["top 1:8-9", "mid 2:6-7", "base 1:8-9"]


# --- null


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ("networks: {a: {aliases: [x]}}", "networks: {a: null}", {"networks": {"a": {"aliases": ["x"]}}}),
        ("environment: {A: '1'}", "environment: {A: null}", {"environment": {"A": None}}),
        ("environment: {A: '1'}", "environment: [A]", {"environment": {"A": None}}),
        ("environment: {A: null}", "environment: {A: '1'}", {"environment": {"A": "1"}}),
        ("command: [run]", "command: null", {"command": None}),
        ("command: run", "command: null", {"command": None}),
        ("entrypoint: [run]", "entrypoint: null", {"entrypoint": None}),
    ],
)
def test_null_means_what_it_means_in_compose(tmp_path: Path, parent: str, child: str, expected: dict[str, Any]) -> None:
    found = service(tmp_path, parent, child)
    assert {key: found[key] for key in expected} == expected


def test_a_null_resource_keeps_what_the_parent_says(tmp_path: Path) -> None:
    base = "abstract: true\nservices: {api: {image: b}}\nvolumes: {data: {driver: local}}\n"
    data = load(tmp_path, base=base, dev="extends: base\nvolumes: {data: null}\n").data
    assert data["volumes"] == {"data": {"driver": "local"}}


# --- !reset and !override


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("ports: ['80:80']", "ports: !reset null"),
        ("ports: ['80:80']", "ports: !reset []"),
        ("ports: ['80:80']", "ports: !reset ['81:81']"),
        ("environment: {A: '1'}", "environment: !reset {}"),
        ("environment: {A: '1'}", "environment: !reset null"),
        ("user: '1'", "user: !reset ''"),
        ("healthcheck: {test: x}", "healthcheck: !reset null"),
    ],
)
def test_reset_removes_what_was_inherited(tmp_path: Path, parent: str, child: str) -> None:
    assert service(tmp_path, parent, child) == {"image": "busybox"}


def test_reset_reaches_one_key_of_a_mapping(tmp_path: Path) -> None:
    found = service(tmp_path, "environment: {A: '1', B: '2'}", "environment: {A: !reset null}")
    assert found["environment"] == {"B": "2"}


def test_reset_of_a_service_removes_it(tmp_path: Path) -> None:
    base = "abstract: true\nservices: {api: {image: b}, db: {image: b}}\n"
    assert list(load(tmp_path, base=base, dev="extends: base\nservices: {db: !reset null}\n").data["services"]) == [
        "api"
    ]


def test_reset_of_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert service(tmp_path, "user: '1'", "ports: !reset null") == {"image": "busybox", "user": "1"}


def test_what_a_layer_resets_does_not_come_back_under_its_child() -> None:
    parent = "a: !reset {x: 1}\nb: {c: !reset {x: 1}}\nd: !reset [1]\n"
    assert merged(parent, "a: {y: 2}\nb: {c: {y: 2}}\nd: {y: 2}\n") == {
        "a": {"y": 2},
        "b": {"c": {"y": 2}},
        "d": {"y": 2},
    }
    assert merged("z: 1\n", parent, "a: {y: 2}\n") == {"z": 1, "a": {"y": 2}, "b": {}}
    assert merged("a: text\n", "a: !override {b: !reset {x: 1}}\n", "a: {b: {y: 2}}\n") == {"a": {"b": {"y": 2}}}


def test_a_child_may_set_again_what_its_parent_reset() -> None:
    assert merged("a: {x: 1}\n", "a: !reset null\n", "a: {y: 2}\n") == {"a": {"y": 2}}


@pytest.mark.parametrize(
    ("parent", "child", "key", "expected"),
    [
        ("environment: {A: '1'}", "environment: !override {B: '2'}", "environment", {"B": "2"}),
        ("environment: {A: '1'}", "environment: !override [B=2]", "environment", {"B": "2"}),
        ("networks: [a]", "networks: !override [b]", "networks", {"b": None}),
        ("tmpfs: [/a]", "tmpfs: !override [/b]", "tmpfs", ["/b"]),
        ("tmpfs: [/a]", "tmpfs: !override /b", "tmpfs", ["/b"]),
        ("ulimits: {nproc: 1}", "ulimits: !override {nofile: 2}", "ulimits", {"nofile": 2}),
        ("build: {context: a, target: x}", "build: !override b", "build", {"context": "b"}),
    ],
)
def test_override_replaces_it_whole(tmp_path: Path, parent: str, child: str, key: str, expected: Any) -> None:
    assert service(tmp_path, parent, child)[key] == expected


def test_override_where_there_is_nothing_is_a_plain_value() -> None:
    assert merged("a: 1\n", "b: !override {c: 2}\n", "b: {d: 3}\n") == {"a": 1, "b": {"c": 2, "d": 3}}


# --- lists that are replaced


def walk(table: PathTable[Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if table.rule is not None:
        yield path
    for step, below in table.children.items():
        yield from walk(below, (*path, step))


@pytest.mark.parametrize(
    ("path", "parent", "child"),
    [
        ("build.cache_from", "[a]", "[b]"),
        ("build.cache_to", "[a]", "[b]"),
        ("build.entitlements", "[a]", "[b]"),
        ("build.platforms", "[linux/amd64]", "[linux/arm64]"),
        ("build.tags", "[a]", "[b]"),
        ("cap_add", "[NET_ADMIN]", "[SYS_TIME]"),
        ("command", "[a, b]", "[c]"),
        ("deploy.placement.constraints", "[a]", "[b]"),
        ("deploy.placement.preferences", "[{spread: a}]", "[{spread: b}]"),
        ("deploy.resources.reservations.devices", "[{capabilities: [gpu]}]", "[{capabilities: [tpu]}]"),
        (
            "deploy.resources.reservations.generic_resources",
            "[{discrete_resource_spec: {kind: a, value: 1}}]",
            "[{discrete_resource_spec: {kind: b, value: 2}}]",
        ),
        ("develop.watch", "[{path: a, action: sync, target: /a}]", "[{path: b, action: rebuild}]"),
        ("device_cgroup_rules", "['c 1:3 mr']", "['a 7:* rmw']"),
        ("dns", "[1.1.1.1]", "[8.8.8.8]"),
        ("dns_opt", "[a]", "[b]"),
        ("dns_search", "[a]", "[b]"),
        ("entrypoint", "[a]", "[b]"),
        ("expose", "['80']", "['81']"),
        ("external_links", "[a]", "[b]"),
        ("group_add", "[a]", "[b]"),
        ("healthcheck.test", "[CMD, a]", "[CMD, b]"),
        ("label_file", "[a]", "[b]"),
        ("links", "[a]", "[b]"),
        ("networks.a.aliases", "[a]", "[b]"),
        ("networks.a.link_local_ips", "[169.254.1.1]", "[169.254.1.2]"),
        ("post_start", "[{command: a}]", "[{command: b}]"),
        ("pre_stop", "[{command: a}]", "[{command: b}]"),
        ("profiles", "[a]", "[b]"),
        ("volumes_from", "[a]", "[b]"),
    ],
)
def test_a_list_without_an_identity_is_replaced(tmp_path: Path, path: str, parent: str, child: str) -> None:
    def at(text: str) -> str:
        first, *rest = path.split(".")
        return f"{first}: " + "".join(f"{{{step}: " for step in rest) + text + "}" * len(rest)

    def value(found: Any) -> Any:
        for step in path.split("."):
            found = found[step]
        return found

    base, alone = (
        f"abstract: true\n{DEFINED}services: {{api: {{image: busybox}}}}\n",
        f"services: {{api: {{{at(child)}}}}}",
    )
    expected = value(load(tmp_path, base=base, dev=f"extends: base\n{alone}\n").data["services"]["api"])
    assert value(service(tmp_path, at(parent), at(child))) == expected


def test_the_other_tables_lists_are_replaced(tmp_path: Path) -> None:
    base = (
        "abstract: true\nprofiles: [a]\nservices: {api: {image: b}}\n"
        "networks: {n: {ipam: {config: [{subnet: 10.1.0.0/16}]}}}\n"
        "models: {m: {model: x, runtime_flags: [a]}}\n"
    )
    dev = (
        "extends: base\nprofiles: [b]\nnetworks: {n: {ipam: {config: [{subnet: 10.2.0.0/16}]}}}\n"
        "models: {m: {runtime_flags: [b]}}\n"
    )
    data = load(tmp_path, base=base, dev=dev).data
    assert data["profiles"] == ["b"]
    assert data["networks"]["n"]["ipam"]["config"] == [{"subnet": "10.2.0.0/16"}]
    assert data["models"]["m"]["runtime_flags"] == ["b"]


def test_env_files_are_replaced_in_either_form(tmp_path: Path) -> None:
    for name in ("a.env", "b.env"):
        (tmp_path / name).write_text("")
    assert service(tmp_path, "env_file: a.env", "env_file: [b.env]")["env_file"] == [{"path": "b.env"}]


# --- security lists


@pytest.mark.parametrize("name", ["cap_drop", "security_opt"])
def test_dropping_an_entry_of_a_security_list_is_a_warning(tmp_path: Path, name: str) -> None:
    found, warnings = attempt_service(tmp_path, f"{name}: [a, b]", f"{name}: [b, c]")
    assert found[name] == ["b", "c"]
    assert [(one.code, one.message) for one in warnings] == [("EV211", f"services.api.{name} drops a")]
    assert warnings[0].span is not None
    assert warnings[0].span.source.name == "blueprints/dev.yaml"
    assert [str(note.span).partition(":")[0] for note in warnings[0].notes] == ["blueprints/base.yaml"]


@pytest.mark.parametrize(
    "child",
    ["cap_drop: [b, a]", "cap_drop: [a, b, c]", "cap_drop: !override [c]", "cap_drop: !reset null", "user: '1'"],
)
def test_keeping_or_meaning_it_is_no_warning(tmp_path: Path, child: str) -> None:
    assert attempt_service(tmp_path, "cap_drop: [a, b]", child)[1] == []


# --- lists with an identity


@pytest.mark.parametrize(
    ("parent", "child", "targets"),
    [
        ("['aa:/data']", "['bb:/data']", [("bb", "/data")]),
        ("['aa:/data']", "['bb:/data/']", [("bb", "/data/")]),
        ("['aa:/data']", "['bb:/x/../data']", [("bb", "/x/../data")]),
        ("['aa:/data']", "['bb://data']", [("bb", "//data")]),
        ("['aa:/data']", "['bb:/other']", [("aa", "/data"), ("bb", "/other")]),
        ("['aa:/1', 'aa:/2']", "['bb:/2', 'bb:/3']", [("aa", "/1"), ("bb", "/2"), ("bb", "/3")]),
        ("['./x:/data']", "[{type: volume, source: aa, target: /data}]", [("aa", "/data")]),
        ("[/data]", "['aa:/data']", [("aa", "/data")]),
    ],
)
def test_mounts_are_told_apart_by_their_target(
    tmp_path: Path, parent: str, child: str, targets: list[tuple[str, str]]
) -> None:
    (tmp_path / "x").mkdir()
    found = service(tmp_path, f"volumes: {parent}", f"volumes: {child}")["volumes"]
    assert [(one.get("source"), one["target"]) for one in found] == targets


def test_a_childs_mount_inherits_no_option_of_the_parents(tmp_path: Path) -> None:
    found = service(tmp_path, "volumes: ['aa:/data:ro']", "volumes: ['bb:/data']")["volumes"]
    assert "read_only" not in found[0]


@pytest.mark.parametrize(
    ("parent", "child", "volumes", "tmpfs"),
    [
        ("volumes: ['aa:/data']", "tmpfs: [/data]", [], ["/data"]),
        ("volumes: ['aa:/data', 'aa:/keep']", "tmpfs: ['/data/:size=1m']", ["/keep"], ["/data/:size=1m"]),
        ("tmpfs: [/data, /tmp]", "volumes: ['aa:/data']", ["/data"], ["/tmp"]),
        ("tmpfs: ['/tmp:size=1m']", "tmpfs: ['/tmp:size=2m', /run]", [], ["/tmp:size=2m", "/run"]),
        ("tmpfs: /tmp", "tmpfs: /run", [], ["/tmp", "/run"]),
    ],
)
def test_a_target_has_one_mount_be_it_a_volume_or_a_tmpfs(
    tmp_path: Path, parent: str, child: str, volumes: list[str], tmpfs: list[str]
) -> None:
    found = service(tmp_path, parent, child)
    assert [one["target"] for one in found.get("volumes", [])] == volumes
    assert found.get("tmpfs", []) == tmpfs


@pytest.mark.parametrize("kind", ["secrets", "configs"])
@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ("[a]", "[b]", [("a", None), ("b", None)]),
        ("[a]", "[{source: a, mode: 0o400}]", [("a", None)]),
        ("[a]", "[{source: b, target: a}]", [("b", "a")]),
        ("[{source: a, target: x}]", "[{source: b, target: x}]", [("b", "x")]),
        ("[{source: a, target: x}]", "[{source: a, target: y}]", [("a", "x"), ("a", "y")]),
    ],
)
def test_grants_are_told_apart_by_their_target(
    tmp_path: Path, kind: str, parent: str, child: str, expected: list[tuple[str, str | None]]
) -> None:
    if kind == "configs":  # a config's target is a path
        for name in "axy":
            parent = parent.replace(f"target: {name}", f"target: /{name}")
            child = child.replace(f"target: {name}", f"target: /{name}")
        expected = [(source, target and f"/{target}") for source, target in expected]
    found = service(tmp_path, f"{kind}: {parent}", f"{kind}: {child}")[kind]
    assert [(one["source"], one.get("target")) for one in found] == expected


def test_a_secrets_default_folder_may_be_written_out(tmp_path: Path) -> None:
    found = service(tmp_path, "secrets: [a]", "secrets: [{source: b, target: /run/secrets/a}]")["secrets"]
    assert [one["source"] for one in found] == ["b"]


def test_build_secrets_are_told_apart_by_their_target(tmp_path: Path) -> None:
    parent = "build: {context: ., secrets: [a, b]}"
    found = service(tmp_path, parent, "build: {secrets: [{source: a, mode: 0o400}]}")["build"]["secrets"]
    assert found == [{"source": "a", "mode": 256}, {"source": "b"}]


def test_devices_are_told_apart_by_their_target(tmp_path: Path) -> None:
    found = service(tmp_path, "devices: ['/dev/a:/dev/x', /dev/y]", "devices: ['/dev/b:/dev/x:r']")["devices"]
    assert [(one["source"], one["target"], one["permissions"]) for one in found] == [
        ("/dev/b", "/dev/x", "r"),
        ("/dev/y", "/dev/y", "rwm"),
    ]


@pytest.mark.parametrize(
    "name", ["device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops", "weight_device"]
)
def test_limits_of_block_devices_are_told_apart_by_their_path(tmp_path: Path, name: str) -> None:
    field = "weight" if name == "weight_device" else "rate"
    found = service(
        tmp_path,
        f"blkio_config: {{{name}: [{{path: /dev/a, {field}: 1}}, {{path: /dev/b, {field}: 2}}]}}",
        f"blkio_config: {{{name}: [{{path: /dev/b, {field}: 3}}, {{path: /dev/c, {field}: 4}}]}}",
    )
    assert [(one["path"], one[field]) for one in found["blkio_config"][name]] == [
        ("/dev/a", 1),
        ("/dev/b", 3),
        ("/dev/c", 4),
    ]


def test_two_entries_of_one_file_never_merge(tmp_path: Path) -> None:
    found = service(tmp_path, "user: '1'", "secrets: [a, {source: a, mode: 0o400}]")["secrets"]
    assert len(found) == 2
    again = service(tmp_path, "secrets: [a]", "secrets: [{source: a, uid: '1'}, {source: a, uid: '2'}]")["secrets"]
    assert [one["uid"] for one in again] == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "parent", "child", "expected"),
    [
        ("environment", "[A=1, B=2]", "{B: '3', C: '4'}", {"A": "1", "B": "3", "C": "4"}),
        ("labels", "[a=1, b=2]", "[b=3]", {"a": "1", "b": "3"}),
        ("annotations", "{a: '1'}", "[b=2]", {"a": "1", "b": "2"}),
        ("sysctls", "{a: '1'}", "{b: '2'}", {"a": "1", "b": "2"}),
        ("networks", "[a]", "{b: {aliases: [x]}}", {"a": None, "b": {"aliases": ["x"]}}),
        ("extra_hosts", "['h:1.1.1.1', 'i:1.1.1.1']", "{h: 2.2.2.2}", {"h": "2.2.2.2", "i": "1.1.1.1"}),
        ("extra_hosts", "['h:1.1.1.1', 'h:1.1.1.2']", "['h:2.2.2.1', 'h:2.2.2.2']", {"h": ["2.2.2.1", "2.2.2.2"]}),
        ("ulimits", "{nproc: 1}", "{nofile: {soft: 1, hard: 2}}", {"nproc": 1, "nofile": {"soft": 1, "hard": 2}}),
    ],
)
def test_lists_that_are_really_mappings_merge_by_key(
    tmp_path: Path, name: str, parent: str, child: str, expected: Any
) -> None:
    assert service(tmp_path, f"{name}: {parent}", f"{name}: {child}")[name] == expected


def test_dependencies_merge_by_service(tmp_path: Path) -> None:
    base = "abstract: true\nservices: {api: {image: b, depends_on: [db, mq]}, db: {image: b}, mq: {image: b}}\n"
    dev = "extends: base\nservices: {api: {depends_on: {db: {condition: service_completed_successfully}}}}\n"
    assert load(tmp_path, base=base, dev=dev).data["services"]["api"]["depends_on"] == {
        "db": {"condition": "service_completed_successfully"},
        "mq": {"condition": "service_started"},
    }


def test_logging_options_belong_to_their_driver(tmp_path: Path) -> None:
    parent = "logging: {driver: json-file, options: {max-size: 1m}}"
    same = service(tmp_path, parent, "logging: {options: {max-file: '2'}}")["logging"]
    assert same == {"driver": "json-file", "options": {"max-size": "1m", "max-file": "2"}}
    assert service(tmp_path, parent, "logging: {driver: local}")["logging"] == {"driver": "local"}


# --- ports


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        # one on both sides: by field
        ("['8080:80']", "['9090:80']", ["9090:80/tcp"]),
        ("[{target: 80, published: '8080', host_ip: 127.0.0.1}]", "['9090:80']", ["127.0.0.1 9090:80/tcp"]),
        ("['127.0.0.1:8080:80']", "[{target: 80}]", ["127.0.0.1 8080:80/tcp"]),
        ("['8080:80/TCP']", "['9090:80']", ["9090:80/tcp"]),
        ("['8080:80']", "[{target: '80', published: '9090'}]", ["9090:80/tcp"]),
        # another target or protocol: added
        ("['8080:80']", "['8081:81']", ["8080:80/tcp", "8081:81/tcp"]),
        ("['53:53/udp']", "['54:53']", ["53:53/udp", "54:53/tcp"]),
        # groups
        ("['8080:80', '8081:80']", "['9090:80']", ["9090:80/tcp"]),
        ("['8080:80']", "['9090:80', '9091:80']", ["9090:80/tcp", "9091:80/tcp"]),
        ("['1:1', '8080:80', '2:2', '8081:80']", "['9090:80']", ["1:1/tcp", "2:2/tcp", "9090:80/tcp"]),
        # ranges are written out first
        ("['8000-8002:80-82']", "['9001:81']", ["8000:80/tcp", "9001:81/tcp", "8002:82/tcp"]),
        # names
        ("[{name: http, target: 80, published: '1'}]", "[{name: http, target: 8080}]", ["http 1:8080/tcp"]),
        (
            "[{name: a, target: 80}, {name: b, target: 80}]",
            "[{name: b, target: 80, published: '2'}]",
            ["a 80/tcp", "b 2:80/tcp"],
        ),
        ("[{name: http, target: 80, published: '1'}]", "['2:80']", ["http 2:80/tcp"]),
    ],
)
def test_ports_merge_by_name_by_group_or_by_field(tmp_path: Path, parent: str, child: str, expected: list[str]) -> None:
    def shown(one: dict[str, Any]) -> str:
        front = "".join(f"{one[key]} " for key in ("name", "host_ip") if key in one)
        published = f"{one['published']}:" if "published" in one else ""
        return f"{front}{published}{one['target']}/{one['protocol']}"

    found = service(tmp_path, f"ports: {parent}", f"ports: {child}")["ports"]
    assert [shown(one) for one in found] == expected


def test_one_port_twice_in_one_file_stays_twice(tmp_path: Path) -> None:
    text = "services: {api: {image: b, ports: ['8080:80', '8081:80']}}\n"
    found = load(tmp_path, dev=text).data["services"]["api"]["ports"]
    assert [one["published"] for one in found] == ["8080", "8081"]


# --- the table itself


def lists(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every list that the models know, down to the first list on each way."""
    if shape.items is not None:
        yield path
    for name, below in (shape.fields or {}).items():
        yield from lists(below, (*path, name))
    if shape.values is not None:
        yield from lists(shape.values, (*path, "*"))


def rule_at(table: PathTable[Any], path: tuple[str, ...]) -> Any:
    found: PathTable[Any] | None = table
    for step in path:
        found = found and found.below(step)
    return found and found.rule


SCHEMA = [*lists(shape_of(Stack)), *lists(shape_of(Declarations))]


def test_the_walk_sees_the_schemas_lists() -> None:
    assert {("services", "*", "ports"), ("services", "*", "build", "tags"), ("profiles",)} <= set(SCHEMA)
    assert len(SCHEMA) > 40


@pytest.mark.parametrize("path", SCHEMA, ids=".".join)
def test_every_list_of_the_schema_has_a_rule(path: tuple[str, ...]) -> None:
    assert rule_at(LIST_RULES, path) is not None, "a list must say whether it is replaced or merged, and by what"


def test_every_rule_is_about_a_list_of_the_schema() -> None:
    stale = {".".join(path) for path in walk(LIST_RULES)} - {".".join(path) for path in SCHEMA}
    assert stale - {"services.*.provider.options.*"} == set()


def test_every_normaliser_is_about_something_in_the_schema() -> None:
    def known(shape: Shape, path: tuple[str, ...]) -> bool:
        if not path:
            return True
        step, *rest = path
        below = shape.fields.get(step) if shape.fields is not None and step in shape.fields else shape.values
        if step == "*" and below is None:
            below = shape.items
        return below is not None and known(below, tuple(rest))

    unknown = {".".join(path) for path in walk(NORMALISERS) if not known(shape_of(Stack), path)}
    assert unknown == set()
