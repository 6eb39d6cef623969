"""What `plan` says, that `up` does just that, and that nothing is left to do afterwards."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from stacks import SLEEPER, Checkout, docker

BASE = f"""\
services:
  api:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    environment: {{LOG_LEVEL: info, API_TOKEN: one}}
    volumes: ["data:/data"]
  worker: {SLEEPER}
volumes: {{data: {{}}}}
"""


def plan(checkout: Checkout, *arguments: str, status: int = 5) -> list[str]:
    """Return the plan's lines without the checkout's name."""
    out = checkout.run("plan", "dev", "--exit-code", *arguments, status=status).out
    return out.replace(checkout.name, "NAME").splitlines()


def no_docker(folder: Path) -> str:
    """Return a PATH on which `docker` fails."""
    script = folder / "docker"
    script.write_text("#!/bin/sh\necho Compose was called >&2\nexit 99\n")
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_plan_has_causes_origins_and_data_and_up_leaves_nothing_of_it(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=BASE)
    assert plan(checkout) == [
        "+ network default create: not there yet",
        "+ volume data create: not there yet (blueprints/dev.yaml:9:11) [begins empty]",
        "+ api create: no container yet (blueprints/dev.yaml:2:3)",
        "+ worker create: no container yet (blueprints/dev.yaml:8:3)",
    ]
    assert checkout.containers("dev") == []
    checkout.run("up", "dev")
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]
    # With nothing to do Compose is not called, whether the plan is made or known from before.
    path = no_docker(tmp_path)
    for no_cache in ("1", "", ""):
        done = checkout.run("up", "dev", PATH=path, ENVMAN_NO_CACHE=no_cache)
        assert done.out == "dev is up, nothing to do\n"

    checkout.write(
        dev=BASE.replace("LOG_LEVEL: info, API_TOKEN: one", "LOG_LEVEL: debug, API_TOKEN: two")
        .replace("  worker:", "  runner:")
        .replace("[sleep, infinity]\n    env", "[sleep, infinity]\n    mem_limit: 64m\n    env")
    )
    assert plan(checkout) == [
        (
            "~ api recreate: environment.API_TOKEN (withheld) -> (withheld) (blueprints/dev.yaml:7:48); "
            "environment.LOG_LEVEL info -> debug (blueprints/dev.yaml:7:30); "
            "mem_limit unset -> 64m (blueprints/dev.yaml:6:16) [keeps volume NAME-dev_data]"
        ),
        "+ runner create: renamed from worker (blueprints/dev.yaml:9:3)",
        "- worker remove: renamed to runner [its volumes stay]",
    ]
    checkout.run("up", "dev")
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]
    assert sorted(checkout.containers("dev")) == [f"{checkout.name}-dev-api-1", f"{checkout.name}-dev-runner-1"]


def test_a_plan_as_data(checkout: Checkout) -> None:
    checkout.write(dev=f"services: {{api: {SLEEPER}}}\n")
    document = checkout.run("--format", "json", "plan", "dev", "--exit-code", status=5).json
    assert document["environment"] == "dev"
    assert document["steps"][1] == {
        "action": "create",
        "kind": "service",
        "name": "api",
        "causes": [
            {
                "text": "no container yet",
                "place": {"file": "blueprints/dev.yaml", "line": 1, "column": 12, "end_line": 1, "end_column": 15},
            }
        ],
        "data": [],
    }


def test_what_happened_to_containers_and_networks_is_seen(checkout: Checkout) -> None:
    checkout.write(
        dev=f"services: {{api: {SLEEPER}, worker: {SLEEPER}, gone: {SLEEPER}, many: {{image: 'busybox:1.37', "
        "init: true, command: [sleep, infinity], deploy: {replicas: 2}, networks: [back]}}\nnetworks: {back: {}}\n"
    )
    checkout.run("up", "dev")
    name = f"{checkout.name}-dev"
    docker("stop", "--time", "0", f"{name}-api-1")
    docker("pause", f"{name}-worker-1")
    docker("rm", "--force", f"{name}-gone-1", f"{name}-many-2")
    docker("network", "disconnect", f"{name}_back", f"{name}-many-1")
    assert plan(checkout) == [
        "> api start: NAME-dev-api-1 is exited",
        "> worker start: NAME-dev-worker-1 is paused",
        "+ gone create: no container yet (blueprints/dev.yaml:1:151)",
        "~ many recreate: NAME-dev-many-1 is not attached to network NAME-dev_back any more",
        "~ many scale: 1 -> 2 containers (blueprints/dev.yaml:1:309)",
    ]
    docker("network", "rm", f"{name}_back")
    assert plan(checkout)[0] == "+ network back create: not there yet (blueprints/dev.yaml:2:12)"
    checkout.run("up", "dev")
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("volumes: {data: {labels: {a: '1'}}}", "volumes: {data: {labels: {a: '2'}}}", "volume NAME-dev_data"),
        ("volumes: {data: {}}", "volumes: {data: {driver_opts: {type: tmpfs, device: tmpfs}}}", "volume NAME-dev_data"),
        ("networks: {default: {}}", "networks: {default: {internal: true}}", "network NAME-dev_default"),
    ],
    ids=["volume labels", "volume options", "network"],
)
def test_a_changed_volume_or_network_is_refused(checkout: Checkout, before: str, after: str, message: str) -> None:
    service = SLEEPER.replace("}", ", volumes: ['data:/d']}") if "volumes" in before else SLEEPER
    checkout.write(dev=f"services: {{api: {service}}}\n{before}\n")
    checkout.run("up", "dev")
    ids = checkout.container_ids("dev")
    checkout.write(dev=f"services: {{api: {service}}}\n{after}\n")
    for command in ("plan", "up"):
        err = checkout.run(command, "dev", status=1).err.replace(checkout.name, "NAME")
        assert f"error[EV507]: {message} exists with another definition" in err
        assert "--> blueprints/dev.yaml:2:" in err
    assert checkout.container_ids("dev") == ids


def test_another_image_under_the_same_tag(checkout: Checkout) -> None:
    tag = f"{checkout.name}-moving:1"
    docker("tag", "busybox:1.37", tag)
    checkout.write(dev=f"services: {{api: {{image: '{tag}', init: true, command: [sleep, infinity]}}}}\n")
    checkout.run("up", "dev")
    docker("tag", "nginx:1.28", tag)
    [line] = plan(checkout)
    assert line.startswith("~ api recreate: NAME-moving:1 is another image now: ")
    checkout.run("up", "dev")
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]


def test_a_build_is_planned_when_what_it_sends_has_changed(checkout: Checkout) -> None:
    checkout.write(dev="services: {api: {build: {context: app}, init: true, command: [sleep, infinity]}}\n")
    context = checkout.root / "app"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM busybox:1.37\nCOPY main.txt /\n")
    (context / ".dockerignore").write_text("*.log\n")
    (context / "main.txt").write_text("1")
    assert plan(checkout)[1] == "* api build: image NAME-dev-api is not built yet"
    checkout.run("up", "dev")
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]
    (context / "noise.log").write_text("not sent")
    os.utime(context / "main.txt")
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]
    (context / "main.txt").write_text("2")
    assert plan(checkout) == [
        "* api build: main.txt changed since it was built",
        "~ api recreate: its image is built anew",
    ]
    checkout.run("up", "dev")
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]
    assert checkout.sh("dev", "api", "cat /main.txt") == "2"


def test_changed_configs_secrets_and_env_files_are_seen(checkout: Checkout) -> None:
    checkout.write(
        dev="services:\n  api:\n    image: busybox:1.37\n    init: true\n    command: [sleep, infinity]\n"
        "    env_file: [api.env]\n    configs: [settings]\n    secrets: [key]\n"
        "configs: {settings: {file: ./settings.txt}}\nsecrets: {key: {file: ./key.txt}}\n"
    )
    for file in ("api.env", "settings.txt", "key.txt"):
        (checkout.root / file).write_text("A=1\n")
    checkout.run("up", "dev")
    for file in ("api.env", "settings.txt", "key.txt"):
        (checkout.root / file).write_text("A=2\n")
    assert plan(checkout) == [
        (
            "~ api recreate: the value of secret key has changed (blueprints/dev.yaml:10:11); "
            "config settings has changed (blueprints/dev.yaml:9:11); env file api.env has changed (blueprints/dev.yaml:6:5)"
        )
    ]
    checkout.run("up", "dev")
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]


def test_a_volume_in_the_place_of_another_begins_empty_and_says_so(checkout: Checkout) -> None:
    text = BASE.replace("API_TOKEN: one", "A: b")
    checkout.write(dev=text).run("up", "dev")
    checkout.write(dev=text.replace("data:/data", "fresh:/data").replace("{data: {}}", "{data: {}, fresh: {}}"))
    assert plan(checkout) == [
        (
            "+ volume fresh create: not there yet (blueprints/dev.yaml:9:21) "
            "[begins empty; api had volume NAME-dev_data on /data, which stays]"
        ),
        "~ api recreate: volumes./data volume NAME-dev_data -> volume NAME-dev_fresh (blueprints/dev.yaml:7:15)",
    ]


def test_what_somebody_else_changes_meanwhile_is_not_called_up(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=f"services: {{api: {SLEEPER}}}\n")
    name = f"{checkout.name}-dev"
    script = tmp_path / "docker"
    # envman lets no docker process have DOCKER_HOST from the environment.
    host = f"--host {os.environ['DOCKER_HOST']}" if os.environ.get("DOCKER_HOST") else ""
    cut_off = f"{shutil.which('docker')} {host} network disconnect {name}_default {name}-api-1"
    script.write_text(f'#!/bin/sh\n{shutil.which("docker")} "$@" || exit\ncase "$*" in *" up "*) {cut_off};; esac\n')
    script.chmod(0o755)
    done = checkout.run("up", "dev", status=3, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "error[EV630]: dev came up, but is not what its blueprint says" in done.err
    assert f"~ api recreate: {name}-api-1 is not attached to network {name}_default any more" in done.err


def test_a_build_that_is_asked_for_replaces_containers_without_alarm(checkout: Checkout) -> None:
    checkout.write(
        dev="services: {api: {build: {context: app, no_cache: true}, init: true, command: [sleep, infinity]}}\n"
    )
    (checkout.root / "app").mkdir()
    (checkout.root / "app" / "Dockerfile").write_text("FROM busybox:1.37\nRUN cat /proc/uptime > /built\n")
    checkout.run("up", "dev")
    before = checkout.sh("dev", "api", "cat /built")
    checkout.run("up", "dev", "--build")
    assert checkout.sh("dev", "api", "cat /built") != before
    assert plan(checkout, status=0) == ["dev is as it should be: nothing to do"]
