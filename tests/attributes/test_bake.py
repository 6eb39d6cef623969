"""What bake is told of a build is what Compose would tell it: `docker compose build --print` is the judge."""

from __future__ import annotations

import json
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
from environments import facts, load

from envman.render.bake import InexpressibleError, Stamp, bake
from envman.render.compose import render

SECRETS = "secrets: {s: {file: ./a/secret}, e: {environment: HOME}}\n"
BUILDS = {
    "context": "{context: .}",
    "a folder below": "{context: ./sub/../sub}",
    "above": "{context: ../elsewhere}",
    "home": '{context: "~/there"}',
    "git": '{context: "https://example.com/a/b.git#main:sub", dockerfile: D}',
    "git over ssh": '{context: "git@example.com:a/b.git"}',
    "dockerfile": "{context: sub, dockerfile: ../docker/Dockerfile}",
    "absolute dockerfile": "{context: sub, dockerfile: /docker/Dockerfile}",
    "inline": '{dockerfile_inline: "FROM busybox\\nARG X\\nRUN echo $${X} $$X"}',
    "args": '{context: ., args: {A: "1$$b", B: "$${C}", N: 1, T: true, F: 1.5, E: ""}}',
    "numbers": "{context: ., args: {A: 1.0, B: 1e3, C: 1.50}, labels: {a: 2.0}}",
    "args of the process": "{context: ., args: [HOME, NOT_THERE_AT_ALL]}",
    "labels": '{context: ., labels: {a.b: "1", c: "", d: 1}}',
    "cache": '{context: ., cache_from: ["team/api:cache", "type=local,src=c"], cache_to: ["type=inline"]}',
    "target": "{context: ., target: dev}",
    "secrets": "{context: ., secrets: [s, {source: e, target: other, mode: 0444}]}",
    "ssh": "{context: ., ssh: [default, key=/a/key]}",
    "platforms": "{context: ., platforms: [linux/amd64]}",
    "several platforms": "{context: ., platforms: [linux/amd64, linux/arm64]}",
    "no_cache and pull": "{context: ., no_cache: true, pull: true}",
    "not no_cache": "{context: ., no_cache: false, pull: false}",
    "network": "{context: ., network: host}",
    "shm_size": "{context: ., shm_size: 64m}",
    "shm_size in bytes": "{context: ., shm_size: 1048576}",
    "ulimits": "{context: ., ulimits: {nofile: {soft: 100, hard: 200}, nproc: 5}}",
    "extra_hosts": '{context: ., extra_hosts: {a: 192.0.2.1, b: [192.0.2.1, 192.0.2.2], c: "::1"}}',
    "entitlements": "{context: ., entitlements: [network.host], privileged: true}",
    "provenance and sbom": "{context: ., provenance: mode=max, sbom: true}",
    "no provenance": "{context: ., provenance: false, sbom: false}",
    "further tags": '{context: ., tags: ["team/api:1", "team/api:2"]}',
    "additional_contexts": '{context: ., additional_contexts: {here: ./sub, image: "docker-image://busybox:1.37", '
    'git: "https://example.com/a.git", layout: "oci-layout:///there", other: "service:base"}}',
}
UNORDERED = ("tags", "entitlements", "attest", "secret", "ssh", "ulimits")


def services(build: str) -> str:
    return textwrap.dedent(f"""\
        services:
          api: {{image: team/api:v1, build: {build}}}
          a.b: {{platform: linux/amd64, build: {build}}}
          base: {{build: {{context: base}}}}
        """)


def plain(target: dict[str, Any]) -> dict[str, Any]:
    """Return a target without what Compose adds, in one order and without escapes."""
    labels = {key: one for key, one in target.get("labels", {}).items() if not key.startswith("com.docker.compose.")}
    text = json.dumps({**target, "labels": labels}).replace("$${", "${").replace("%%{", "%{")
    found = {key: sorted(one) if key in UNORDERED else one for key, one in json.loads(text).items()}
    return {key: one for key, one in found.items() if one not in ({}, [])}


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> None:
    done = subprocess.run(["docker", "compose", "build", "--help"], capture_output=True, text=True, check=False)
    if "--print" not in done.stdout:
        pytest.skip("this Compose does not say what it tells bake")


@pytest.mark.usefixtures("compose")
@pytest.mark.parametrize("name", BUILDS)
def test_bake_is_told_what_compose_tells_it(name: str, tmp_path: Path) -> None:
    import os

    text = services(BUILDS[name]) + SECRETS
    document = render(load(tmp_path, dev=text, process=dict(os.environ)), facts(tmp_path))
    ours = bake(document, tmp_path, ["api", "a.b", "base"], environ=os.environ, stamps={}).definition
    # Compose reads the render, as it does in the fall-back.
    (tmp_path / "compose.yml").write_text(document.text())
    done = subprocess.run(
        ["docker", "compose", "--project-directory", str(tmp_path), "--env-file", os.devnull, "--file",
         str(tmp_path / "compose.yml"), "--profile", "*", "build", "--print", "api", "a.b", "base"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    for target in ("api", "a_b", "base"):
        assert plain(ours["target"][target]) == plain(theirs["target"][target]), target
    assert sorted(ours["group"]["default"]["targets"]) == sorted(theirs["group"]["default"]["targets"])


def made(root: Path, build: str, **options: Any) -> dict[str, Any]:
    document = render(load(root, dev=services(build) + SECRETS), facts(root))
    made = bake(document, root, ["api"], environ={}, stamps=options.pop("stamps", {}), **options)
    target: dict[str, Any] = made.definition["target"]["api"]
    return target


def test_the_stamp_is_labels_and_a_time_below_the_blueprints_own(tmp_path: Path) -> None:
    stamps = {"api": Stamp({"a": "stamp", "b": "stamp"}, 1_700_000_000)}
    target = made(tmp_path, "{context: ., labels: {a: mine}}", stamps=stamps)
    assert target["labels"] == {"a": "mine", "b": "stamp"}
    assert target["args"] == {"SOURCE_DATE_EPOCH": "1700000000"}
    assert target["output"] == ["type=docker"]
    target = made(tmp_path, "{context: ., args: {SOURCE_DATE_EPOCH: '1'}}", stamps=stamps, rewrite_timestamps=True)
    assert target["args"] == {"SOURCE_DATE_EPOCH": "1"}
    assert target["output"] == ["type=docker,rewrite-timestamp=true"]


def test_what_the_command_line_asks_for_is_for_the_services_named(tmp_path: Path) -> None:
    build = "{context: ., additional_contexts: {other: 'service:base'}}"
    document = render(load(tmp_path, dev=services(build)), facts(tmp_path))
    baked = bake(document, tmp_path, ["api"], environ={}, stamps={}, no_cache=True, pull=True)
    assert baked.definition["group"]["default"]["targets"] == ["api"]
    assert [sorted(baked.definition["target"][name]) for name in ("api", "base")] == [
        ["context", "contexts", "dockerfile", "no-cache", "output", "pull", "tags"],
        ["context", "dockerfile", "output", "tags"],
    ]


def test_services_with_one_image_are_built_once(tmp_path: Path) -> None:
    text = "services:\n" + "".join(f"  {name}: {{image: 'app:1', build: {{context: .}}}}\n" for name in "abc")
    document = render(load(tmp_path, dev=text), facts(tmp_path))
    baked = bake(document, tmp_path, ["c", "a", "b"], environ={}, stamps={})
    assert list(baked.definition["target"]) == ["c"]
    assert baked.targets == {"a": "c", "b": "c", "c": "c"}


def test_a_comma_in_a_path_of_a_secret(tmp_path: Path) -> None:
    text = services("{context: ., secrets: [s]}") + "secrets: {s: {file: './a,b/s'}}\n"
    document = render(load(tmp_path, dev=text), facts(tmp_path))
    baked = bake(document, tmp_path, ["api"], environ={}, stamps={})
    assert baked.definition["target"]["api"]["secret"] == [f'id=s,type=file,"src={tmp_path}/a,b/s"']


def test_what_needs_leave_is_named(tmp_path: Path) -> None:
    document = render(load(tmp_path, dev=services("{context: ., network: host, privileged: true}")), facts(tmp_path))
    assert bake(document, tmp_path, ["api"], environ={}, stamps={}).allow == ("network.host", "security.insecure")


def test_a_filter_for_the_cache(tmp_path: Path) -> None:
    assert made(tmp_path, "{context: ., no_cache_filter: install}")["no-cache-filter"] == ["install"]


@pytest.mark.parametrize(
    ("build", "says"),
    [
        ("{context: ., isolation: hyperv}", "isolation"),
        ("{context: ., secrets: [x]}", "secret x"),
        ("{context: ., additional_contexts: {o: 'service:pulled'}}", "pulled"),
    ],
)
def test_what_only_compose_can_do(build: str, says: str, tmp_path: Path) -> None:
    text = services(build) + "  pulled: {image: busybox:1.37}\nsecrets: {x: {external: true}}\n"
    document = render(load(tmp_path, dev=text), facts(tmp_path))
    with pytest.raises(InexpressibleError, match=says):
        bake(document, tmp_path, ["api"], environ={}, stamps={})
