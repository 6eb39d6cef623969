"""Every attribute that names a file is in the one list of them, or is said to name none of this machine's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from environments import facts, load

from envman.checks import check_environment
from envman.diagnostics import Report
from envman.model.as_pydantic import pydantic_model
from envman.model.descriptions import DESCRIPTIONS
from envman.model.files import FILE_ATTRIBUTES, Use, named_files
from envman.model.stack import Stack
from envman.render.compose import render

# Attributes that sound like a file's, and why they name none that envman has to look at. What stands before a service
# and what a job is have the same attributes.
_GRANT = dict.fromkeys(("target", "uid", "gid", "mode"), "of the file inside the container")
NOT_FILES = {
    "include": "read with the blueprint (`language.include`)",
    "models.*.context_size": "a number",
    "reproduce.binds": "sources of binds, which the list has",
    "reproduce.secrets.*.path": "of the copy, whose blueprint has it under `secrets`",
    "secrets.*.source": "the kind of source",
    "services.*.build.dockerfile_inline": "a text",
    "services.*.credential_spec.file": "in the engine's own folder, on Windows; Compose elsewhere makes nothing of it",
    "services.*.env_file.*.required": "whether",
    "services.*.volumes.*.bind.create_host_path": "whether",
    "services.*.volumes.*.volume.nocopy": "whether",
    "services.*.volumes.*.tmpfs": "options",
    "services.*.develop.watch.*.initial_sync": "whether",
    "services.*.develop.watch.*.ignore": "patterns",
    "services.*.develop.watch.*.include": "patterns",
    **{
        f"services.*.{one}": "inside the container, the image or the volume"
        for one in (
            "develop.watch.*.exec.working_dir", "develop.watch.*.target", "post_start.*.working_dir",
            "pre_stop.*.working_dir", "volumes.*.image.subpath", "volumes.*.target", "volumes.*.volume.subpath",
        )
    },
    **{f"services.*.{grants}.*.{one}": why for grants in ("build.secrets", "configs", "secrets") for one, why in _GRANT.items()},
    **{
        f"services.*.blkio_config.{one}.*.path": "a device of the engine's machine"
        for one in ("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops", "weight_device")
    },
}  # fmt: skip
SOUNDS = re.compile(r"(?i)\b(?:files?|folders?|paths?)\b|dockerfile|_file\b|context|ssh|security_opt")


def patterns(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every attribute below the stack: its pattern, and its name with what is said of it."""

    def walk(node: dict[str, Any], path: tuple[str, ...], owner: str, seen: frozenset[str]) -> Iterator[Any]:
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name not in seen:
                yield from walk(schema["$defs"][name], path, name, seen | {name})
        for one in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
            yield from walk(one, path, owner, seen)
        if isinstance(node.get("items"), dict):
            yield from walk(node["items"], (*path, "*"), owner, seen)
        if isinstance(node.get("additionalProperties"), dict):
            yield from walk(node["additionalProperties"], (*path, "*"), owner, seen)
        for key, below in node.get("properties", {}).items():
            text = next((table[key] for name, table in DESCRIPTIONS.items() if name == owner and key in table), "")
            yield (*path, key), f"{key}: {text}"
            yield from walk(below, (*path, key), owner, seen)

    yield from walk(schema, (), "Stack", frozenset())


def covered(pattern: tuple[str, ...]) -> bool:
    """Whether the list has ``pattern``, what is below it, or what it is below of."""
    return any(one[: len(pattern)] == pattern for one in FILE_ATTRIBUTES)


def is_no_file(pattern: tuple[str, ...]) -> bool:
    text = ".".join(pattern)
    for prefix in ("services.*.pre_start.*.", "jobs.*."):
        text = f"services.*.{text.removeprefix(prefix)}" if text.startswith(prefix) else text
    return text in NOT_FILES


def test_every_attribute_that_names_a_file_is_in_the_list() -> None:
    found = dict(patterns(pydantic_model(Stack).model_json_schema()))
    assert len(found) > 500
    suspects = {pattern for pattern, text in found.items() if SOUNDS.search(text)}
    unknown = sorted(".".join(one) for one in suspects if not covered(one) and not is_no_file(one))
    assert unknown == [], "add these to envman/model/files.py, or say here why they name no file"


ALL = """
services:
  a:
    image: busybox:1.37
    env_file: [{path: f1}]
    label_file: f2
    security_opt: [no-new-privileges:true, "seccomp:f3", seccomp=unconfined]
    volumes: ["./f4:/f4", "data:/data"]
    build: {context: f5, dockerfile: f6, additional_contexts: {x: f7, y: "docker-image://z"}, ssh: {default: f8}}
    develop: {watch: [{path: f9, action: rebuild}]}
    pre_start: [{image: x, command: y, env_file: f10, security_opt: ["seccomp=f11"]}]
    configs: [c]
    secrets: [s]
jobs: {j: {image: x, triggers: {manual: true}, env_file: f12, label_file: [f13], security_opt: ["seccomp=f14"]}}
configs: {c: {file: f15}}
secrets: {s: {file: f16}, t: {source: file, path: f17}}
volumes: {data: {driver_opts: {type: none, o: "bind,rw", device: /nowhere/f18}}}
"""


def test_a_blueprint_names_its_files_in_every_attribute_of_the_list(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=ALL)
    found = list(named_files(environment.data))
    assert sorted(int(one.name.rpartition("f")[2]) for one in found) == list(range(1, 19))
    # The list has no row that nothing here is found by, but for those that are the same before a service and in a job.
    used = {one.place for one in found}
    assert len({one.use for one in found}) == len(Use)
    assert all(environment.span(*place).line for place in used)


def test_every_missing_file_is_named_before_up(tmp_path: Path) -> None:
    report = Report()
    check_environment(load(tmp_path, dev=ALL), tmp_path, report)
    missing = {
        (one.message.partition(" ")[0].rpartition("/")[2], one.severity.value) for one in report if one.code == "EV307"
    }
    errors = {"f1", "f2", "f10", "f12", "f13"}
    # The Dockerfile lies in a folder that is missing itself; for `source: file` there is EV504.
    expected = {f"f{n}" for n in range(1, 19)} - {"f6", "f17"}
    assert missing == {(name, "error" if name in errors else "warning") for name in expected}


def test_the_content_of_every_file_that_containers_get_is_in_the_digest(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=ALL)
    content = [
        one.name
        for one in named_files(environment.data)
        if one.use in {Use.CONTENT, Use.VARIABLES} and one.place[0] != "jobs"
    ]
    assert sorted(content) == ["f1", "f10", "f11", "f15", "f3"]
    before = render(environment, facts(tmp_path, files=dict.fromkeys(content, "1"))).digests["a"]
    for name in content:
        changed = render(environment, facts(tmp_path, files=dict.fromkeys(content, "1") | {name: "2"}))
        assert changed.digests["a"] != before, name


def test_files_of_a_service_that_no_active_profile_starts_are_no_errors(tmp_path: Path) -> None:
    (tmp_path / "there.env").write_text("A=$NOBODY\n")
    text = "services: {a: {image: 'x:1', profiles: [p], env_file: [f1, there.env], label_file: f2}}\n"
    for profiles, expected in (("", []), ("profiles: [p]\n", ["EV203", "EV307", "EV307"])):
        report = Report()
        check_environment(load(tmp_path, dev=profiles + text), tmp_path, report)
        assert sorted(one.code for one in report.errors) == expected
