"""What a report says of what an engine shows: nothing is the same that was not seen to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from environments import facts, load

from envman.lock.lock import LockedImage, LockedPlatform
from envman.plan.observed import ContainerState, LocalImage, NetworkState, Observed, VolumeState
from envman.render.compose import render
from envman.reproduction.copying import make_copy
from envman.reproduction.draft import Images, Machine
from envman.reproduction.fidelity import fidelity
from envman.reproduction.report import Evidence, Fidelity, Finding, Status

ID = "sha256:" + "1" * 64
DIGEST = "sha256:" + "d" * 64
LOCKED = LockedImage(digest=DIGEST, platforms={"linux/amd64": LockedPlatform(manifest=DIGEST, image=ID)})
IMAGE = LocalImage("api:1", ID, (f"api@{DIGEST}",), 1, 0.0, {"Cmd": ["serve"]})
TEXT = """
services:
  api:
    image: api:1
    mem_limit: 64m
    environment: {LEVEL: info, API_PASSWORD: hunter2-real}
    cpus: 9
    networks: [back]
    volumes: ["data:/data"]
    depends_on: [db]
  db: {image: api:1, networks: [back]}
networks: {back: {internal: true}}
volumes: {data: {}}
"""


def container(**changes: Any) -> ContainerState:
    host = {"Memory": 64 * 1024**2, "NanoCpus": 2_000_000_000, "ShmSize": 64 * 1024**2, **changes.get("host", {})}
    config = {"Cmd": ["serve"], "Hostname": "a" * 12, "Labels": {}}
    config["Env"] = changes.get("env", ["LEVEL=info", "API_PASSWORD=generated"])
    mount = {"Type": "volume", "Name": "churn-copy_data", "Destination": "/data", "RW": True}
    host["Binds"] = ["churn-copy_data:/data:rw"]
    networks = changes.get("networks", {"churn-copy_back": {}})
    inspected = {"Id": "a" * 64, "Name": "/x", "Config": config, "HostConfig": host, "Mounts": [mount],
                 "NetworkSettings": {"Networks": networks}}  # fmt: skip
    labels = {"com.docker.compose.depends_on": changes.get("order", "db:service_started:false")}
    return ContainerState("a" * 64, "x", "churn-copy", "api", changes.get("number", 1), False, "running", None, None,
                          "api:1", changes.get("image", ID), 0.0, labels, inspected=inspected)  # fmt: skip


def reported(
    root: Path, *containers: ContainerState, network: dict[str, Any] | None = None, images: Sequence[LocalImage] = (IMAGE,),
    locked: dict[str, LockedImage] | None = None, text: str = TEXT,
) -> Fidelity:  # fmt: skip
    production = load(root, "prod", prod=text)
    made = make_copy(production, Images(), Machine(2, 2**33, gpu=False))
    from envman.reproduction.copying import blueprint_text

    copy = load(root, "copy", copy=blueprint_text(made))
    inspected = network if network is not None else {"Driver": "bridge", "Internal": True}
    observed = Observed(
        containers,
        (VolumeState("churn-copy_data", "local", {}),),
        (NetworkState("n", "churn-copy_back", "bridge", True, {}, inspected),),
    )
    evidence = Evidence(
        production=render(replace(production, name="copy"), facts(root)),
        copy=render(copy, facts(root)),
        substitutions=made.substitutions,
        observed=observed,
        images={one.id: one for one in images},
        locked={"api": LOCKED} if locked is None else locked,
        services=["api"],
        directory=str(root),
        platform="linux/amd64",
    )
    return fidelity("prod", "copy", "blueprints/prod.lock", evidence)


def found(report: Fidelity, attribute: str, subject: str = "service api") -> Finding:
    [one] = [one for one in report.findings if (one.subject, one.attribute) == (subject, attribute)]
    return one


def test_what_was_seen_as_it_is_defined_is_the_same(tmp_path: Path) -> None:
    report = reported(tmp_path, container())
    same = {one.attribute for one in report.findings if one.status is Status.SAME and one.subject == "service api"}
    assert {"image", "replicas", "command", "mem_limit", "environment.LEVEL", "networks.back", "volumes./data",
            "depends_on"} <= same  # fmt: skip
    assert found(report, "internal", "network back").status is Status.SAME
    assert found(report, "content", "volume data").status is Status.SUBSTITUTED
    assert found(report, "cpus") == Finding(
        "service api", "cpus", Status.SUBSTITUTED, "9", "2", "processors",
        "this machine has fewer processors, and its engine refuses more",
    )  # fmt: skip
    assert sum(report.counts.values()) == len(report.findings)


@pytest.mark.parametrize(
    ("changes", "attribute", "production", "copy"),
    [
        ({"host": {"Memory": 1024**2}}, "mem_limit", "64m", "1m"),
        ({"host": {"NanoCpus": 1_000_000_000}}, "cpus", "9", "1"),
        ({"host": {"Privileged": True}}, "privileged", "none", "true"),
        ({"host": {"CapAdd": ["SYS_ADMIN"]}}, "cap_add", "none", "SYS_ADMIN"),
        ({"env": ["LEVEL=debug", "API_PASSWORD=x"]}, "environment.LEVEL", "info", "debug"),
        ({"env": ["LEVEL=info", "API_PASSWORD=x", "MORE=1"]}, "environment.MORE", "none", "1"),
        ({"networks": {"churn-copy_back": {}, "somebodys": {}}}, "networks.somebodys", "none", "attached"),
        ({"networks": {}}, "networks.back", "attached", "none"),
        ({"order": ""}, "depends_on", "db:service_started", "none"),
    ],
)
def test_what_differs_and_nobody_declared_is_unknown(
    tmp_path: Path, changes: dict[str, Any], attribute: str, production: str, copy: str
) -> None:
    one = found(reported(tmp_path, container(**changes)), attribute)
    assert (one.status, one.production, one.copy) == (Status.UNKNOWN, production, copy)
    assert one.why


def test_secrets_are_never_shown_and_productions_own_value_is_no_substitution(tmp_path: Path) -> None:
    report = reported(tmp_path, container())
    assert found(report, "environment.API_PASSWORD").status is Status.SUBSTITUTED
    own = reported(tmp_path, container(env=["LEVEL=info", "API_PASSWORD=hunter2-real"]))
    one = found(own, "environment.API_PASSWORD")
    assert (one.status, one.why) == (Status.UNKNOWN, "the copy has production's own value")
    missing = found(reported(tmp_path, container(env=["LEVEL=info"])), "environment.API_PASSWORD")
    assert missing.status is Status.UNKNOWN
    assert "hunter2" not in repr((report, own))
    assert "generated'" not in repr(report)


def test_an_image_is_the_same_by_its_digest_or_id_alone(tmp_path: Path) -> None:
    by_id = reported(tmp_path, container(), images=[replace(IMAGE, digests=())])
    assert found(by_id, "image").status is Status.SAME
    other = replace(IMAGE, id="sha256:" + "2" * 64)
    by_digest = reported(tmp_path, container(image=other.id), images=[other])
    assert found(by_digest, "image").status is Status.SAME
    strange = replace(other, digests=("api@sha256:" + "e" * 64,))
    moved = reported(tmp_path, container(image=other.id), images=[strange])
    assert found(moved, "image").why == "the container runs another image than the locked one"
    assert found(reported(tmp_path, container(), images=[]), "image").status is Status.UNKNOWN
    assert found(reported(tmp_path, container(), locked={}), "image").status is Status.UNKNOWN
    arm = {
        "api": LockedImage(digest=DIGEST, platforms={"linux/arm64": LockedPlatform(manifest=DIGEST, image="sha256:9")})
    }
    elsewhere = found(reported(tmp_path, container(image=other.id), images=[other], locked=arm), "image")
    assert elsewhere.why == "the lock does not say what it is for linux/amd64"


def test_a_service_without_a_container_has_nothing_that_is_the_same(tmp_path: Path) -> None:
    report = reported(tmp_path)
    mine = {one.attribute: one.status for one in report.findings if one.subject == "service api"}
    assert mine == {"replicas": Status.UNKNOWN, "definition": Status.UNKNOWN}


def test_containers_of_one_service_are_told_apart_where_they_differ(tmp_path: Path) -> None:
    text = TEXT.replace("mem_limit", "deploy: {replicas: 2}\n    mem_limit")
    report = reported(tmp_path, container(), container(number=2, host={"Memory": 1}), text=text)
    assert found(report, "mem_limit", "service api[1]").status is Status.SAME
    assert found(report, "mem_limit", "service api[2]").status is Status.UNKNOWN
    assert found(report, "replicas").status is Status.SAME
    assert found(report, "environment.LEVEL").status is Status.SAME


def test_a_network_that_lets_traffic_out_is_not_the_same(tmp_path: Path) -> None:
    report = reported(tmp_path, container(), network={"Driver": "bridge", "Internal": False})
    assert found(report, "internal", "network back").status is Status.UNKNOWN


def test_an_endpoint_is_cut_off_only_where_no_network_leads_outside(tmp_path: Path) -> None:
    text = TEXT.replace("LEVEL: info", "LEVEL: info, SMTP_HOST: smtp.example.com")
    cut = found(reported(tmp_path, container(), text=text), "endpoints.smtp.example.com")
    assert (cut.status, cut.copy) == (Status.SUBSTITUTED, "cut off")
    open_again = container(networks={"churn-copy_back": {}, "bridge": {}})
    one = found(reported(tmp_path, open_again, text=text), "endpoints.smtp.example.com")
    assert (one.status, one.why) == (Status.UNKNOWN, "bridge leads outside: it is not cut off")
    leaking = {"Driver": "bridge", "Internal": False}
    assert found(reported(tmp_path, container(), text=text, network=leaking), "endpoints.smtp.example.com").copy == (
        "not cut off"
    )


def test_what_no_container_shows_is_named(tmp_path: Path) -> None:
    text = TEXT.replace("    mem_limit", "    blkio_config: {weight: 300}\n    configs: [c]\n    mem_limit")
    report = reported(tmp_path, container(), text=text + "configs: {c: {content: x}}\n")
    assert found(report, "not visible").production == "blkio_config, configs.c"
