"""One container to one service: what its image brings and the engine's defaults are left out."""

from __future__ import annotations

from typing import Any

import pytest
from described import DIGEST, IMAGE, captured, codes, container, image, of_compose, service

from envman.capture.process import command
from envman.capture.values import duration, processors, size


def of_image(brought: dict[str, Any], **described: Any) -> dict[str, Any]:
    found = captured(container(**described), images={IMAGE: image(**brought)})
    attributes: dict[str, Any] = found.data["services"]["web"]
    return attributes


def test_a_bare_container_is_its_image_alone() -> None:
    assert service() == {"image": f"app:1@{DIGEST}", "network_mode": "bridge"}


@pytest.mark.parametrize(
    ("entrypoint", "arguments", "expected"),
    [
        (["/run"], ["serve"], {}),
        (["/run"], ["other"], {"command": ["other"]}),
        (["/run"], [], {"entrypoint": ["/run"]}),
        (["sh"], ["-c", "x"], {"entrypoint": ["sh"], "command": ["-c", "x"]}),
        (None, ["x"], {"entrypoint": [""], "command": ["x"]}),
        (None, None, {"entrypoint": [""]}),
    ],
)
def test_entrypoint_and_command_follow_the_engines_rule(
    entrypoint: list[str] | None, arguments: list[str] | None, expected: dict[str, Any]
) -> None:
    found = command(entrypoint, arguments, {"Entrypoint": ["/run"], "Cmd": ["serve"]})

    assert {key: value for key, value in found.items() if value is not None} == expected


def test_what_the_image_brings_is_left_out() -> None:
    brought = {"Env": ["PATH=/bin", "A=b"], "User": "7", "WorkingDir": "/app", "Labels": {"of": "image"},
               "StopSignal": "SIGINT", "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}},
               "Healthcheck": {"Test": ["CMD", "true"]}}  # fmt: skip

    found = of_image(brought, config={**brought, "Env": ["PATH=/bin", "A=c", "B="]})

    assert found == {
        "image": f"app:1@{DIGEST}", "environment": {"A": "c", "B": ""}, "network_mode": "bridge"
    }  # fmt: skip


def test_a_variable_that_is_taken_away_is_null() -> None:
    assert of_image({"Env": ["A=b"]}, config={"Env": ["A"]})["environment"] == {"A": None}


def test_labels_of_tools_are_left_out() -> None:
    labels = {"com.docker.swarm.task": "x", "dev.envman.digest": "y", "mine": "z", **of_compose("shop", "web")}

    assert service(labels=labels)["labels"] == {"mine": "z"}


def test_a_health_check_that_is_switched_off() -> None:
    assert service(config={"Healthcheck": {"Test": ["NONE"]}})["healthcheck"] == {"disable": True}


@pytest.mark.parametrize(
    ("host", "attribute", "expected"),
    [
        ({"Memory": 64 << 20, "MemorySwap": 128 << 20}, "memswap_limit", None),
        ({"Memory": 64 << 20, "MemorySwap": -1}, "memswap_limit", -1),
        ({"Memory": 64 << 20}, "mem_limit", "64m"),
        ({"Memory": 1000001}, "mem_limit", 1000001),
        ({"ShmSize": 64 << 20}, "shm_size", None),
        ({"NanoCpus": 300000000}, "cpus", 0.3),
        ({"PidsLimit": None}, "pids_limit", None),
        ({"CgroupnsMode": "host"}, "cgroup", "host"),
        ({"Init": False}, "init", False),
        ({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}}, "restart", "on-failure:3"),
        ({"RestartPolicy": {"Name": "no"}}, "restart", None),
        ({"LogConfig": {"Type": "json-file", "Config": {}}}, "logging", None),
        ({"LogConfig": {"Type": "local", "Config": {}}}, "logging", {"driver": "local"}),
        ({"Privileged": True, "SecurityOpt": ["label=disable"]}, "security_opt", None),
        ({"SecurityOpt": ["label=disable"]}, "security_opt", ["label=disable"]),
        ({"MaskedPaths": [], "ReadonlyPaths": []}, "security_opt", ["systempaths=unconfined"]),
        ({"ExtraHosts": ["h:10.0.0.1", "h:10.0.0.2", "six:::1"]}, "extra_hosts",
         {"h": ["10.0.0.1", "10.0.0.2"], "six": "::1"}),
        ({"Isolation": "default"}, "isolation", None),
        ({"BlkioWeight": 300, "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 10}]}, "blkio_config",
         {"weight": 300, "device_read_bps": [{"path": "/dev/sda", "rate": 10}]}),
        ({"StorageOpt": {"size": "1G"}}, "storage_opt", {"size": "1G"}),
        ({"UsernsMode": "host"}, "userns_mode", "host"),
    ],
)  # fmt: skip
def test_how_the_engine_runs_it(host: dict[str, Any], attribute: str, expected: Any) -> None:
    assert service(host=host).get(attribute) == expected


def test_requests_for_gpus() -> None:
    requests = [
        {"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu", "compute"]], "Options": {"a": "b"}},
        {"Driver": "", "Count": 0, "DeviceIDs": ["0", "3"], "Capabilities": [["gpu"]]},
        {"Driver": "cdi", "Count": 0, "DeviceIDs": ["vendor.com/gpu=0"]},
    ]

    found = service(host={"DeviceRequests": requests})

    assert found["deploy"]["resources"]["reservations"]["devices"] == [
        {"driver": "nvidia", "count": "all", "capabilities": ["gpu", "compute"], "options": {"a": "b"}},
        {"device_ids": ["0", "3"], "capabilities": ["gpu"]},
    ]
    assert [one["source"] for one in found["devices"]] == ["vendor.com/gpu=0"]


def test_a_seccomp_profile_becomes_a_file_beside_the_blueprint() -> None:
    found = captured(container(host={"SecurityOpt": ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']}))

    [(path, text)] = found.files.items()
    assert text == '{"defaultAction":"SCMP_ACT_ALLOW"}'
    assert found.data["services"]["web"]["security_opt"] == [f"seccomp={path}"]


def test_the_platform_is_said_where_it_is_not_the_engines() -> None:
    foreign = {**image(), "Architecture": "arm64", "Variant": "v8"}

    found = captured(container(), images={IMAGE: foreign})

    assert found.data["services"]["web"]["platform"] == "linux/arm64/v8"


@pytest.mark.parametrize(
    ("description", "named"),
    [
        ({"RepoDigests": [f"other@{DIGEST}", f"app@{DIGEST}"]}, f"app:1@{DIGEST}"),
        ({"RepoDigests": [f"registry.test:5000/app@{DIGEST}"]}, f"registry.test:5000/app@{DIGEST}"),
        ({"RepoDigests": []}, "app:1"),
        ({"RepoDigests": [], "RepoTags": ["app:2"]}, IMAGE),
    ],
)
def test_images_are_named_by_digest_else_held_by_their_id(description: dict[str, Any], named: str) -> None:
    found = captured(container(), images={IMAGE: {**image(), **description}})

    web = found.data["services"]["web"]
    assert web["image"] == named
    assert ("EV823" in codes(found), web.get("pull_policy")) == (
        (True, "never") if not description["RepoDigests"] else (False, None)
    )


def test_an_image_that_is_gone_is_said() -> None:
    found = captured(container(config={"Env": ["PATH=/bin"]}), images={})

    assert codes(found) == ["EV830", "EV823"]
    assert found.data["services"]["web"]["environment"] == {"PATH": "/bin"}


def test_what_no_blueprint_can_say_is_named() -> None:
    found = captured(container(host={"CpusetMems": "0", "AutoRemove": True, "KernelMemory": 1}))

    assert [one.message for one in found.report if one.code == "EV822"] == [
        "web: HostConfig.CpusetMems is left out",
        "web: HostConfig.AutoRemove is left out",
        "web: HostConfig.KernelMemory is left out",
    ]


def test_a_field_that_nobody_knows_is_named() -> None:
    found = captured(container(host={"Invented": {"by": "tomorrow"}, "Empty": None}))

    assert [one.message for one in found.report if one.code == "EV829"] == [
        "the engine says HostConfig.Invented.by of web, which this envman does not know"
    ]


@pytest.mark.parametrize(
    ("nanoseconds", "text"), [(0, "0s"), (90 * 10**9, "90s"), (1500 * 10**6, "1500ms"), (1500, "1500ns")]
)
def test_durations(nanoseconds: int, text: str) -> None:
    assert duration(nanoseconds) == text


def test_sizes_and_processors() -> None:
    assert [size(one) for one in (1 << 30, 3 << 20, 5 << 10, 7)] == ["1g", "3m", "5k", 7]
    assert [processors(one) for one in (2 * 10**9, 1500000000, 333333333)] == [2, 1.5, 0.333333333]
