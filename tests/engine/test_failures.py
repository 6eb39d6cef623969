"""What goes wrong on an engine, and the exact words for it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from stacks import SLEEPER, Checkout, await_true, docker


def test_a_service_that_ends_well_gets_advice_on_jobs(checkout: Checkout) -> None:
    checkout.write(dev="services:\n  api: {image: 'busybox:1.37', command: ['true']}\n")
    done = checkout.run("up", "dev", status=1)
    assert "error[EV603]: api exited with status 0" in done.err
    assert "put it behind a profile (`profiles: [jobs]`)" in done.err


def test_a_service_that_restarts_for_ever(checkout: Checkout) -> None:
    checkout.write(
        dev="services:\n  api: {image: 'busybox:1.37', restart: always, command: [sh, -c, 'echo again; exit 3']}\n"
    )
    done = checkout.run("up", "dev", status=1)
    assert "error[EV603]: api exited with status 3" in done.err
    assert "again" in done.err


def test_a_one_shot_that_fails(checkout: Checkout) -> None:
    checkout.write(
        dev=f"""
        services:
          migrate: {{image: 'busybox:1.37', command: [sh, -c, 'echo no such table; exit 5']}}
          web: {SLEEPER[:-1]}, depends_on: {{migrate: {{condition: service_completed_successfully}}}}}}
        """
    )
    done = checkout.run("up", "dev", status=1)
    assert "error[EV612]: migrate ended with exit status 5" in done.err
    assert "no such table" in done.err


def test_a_host_port_that_a_process_holds(checkout: Checkout) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        checkout.write(dev=f"services:\n  api: {SLEEPER[:-1]}, ports: ['127.0.0.1:{port}:80']}}\n")
        done = checkout.run("up", "dev", status=1)
    assert f"error[EV505]: host port 127.0.0.1:{port} for api is taken by process " in done.err
    assert f"(pid {os.getpid()})" in done.err
    assert checkout.containers("dev") == []


def test_a_host_port_that_another_project_holds(checkout: Checkout) -> None:
    text = (
        f"variables: {{port: {{type: port}}}}\nservices: {{api: {SLEEPER[:-1]}, ports: ['127.0.0.1:${{port}}:80']}}}}\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    checkout.write(dev=text, staging=text).run("up", "dev", "--set", f"port={port}")
    done = checkout.run("up", "staging", "--set", f"port={port}", status=1)
    assert (
        f"error[EV505]: host port 127.0.0.1:{port} for api is taken by container {checkout.name}-dev-api-1 "
        f"of Compose project {checkout.name}-dev"
    ) in done.err


def test_an_automatic_port_that_was_taken_moves_and_says_so(checkout: Checkout) -> None:
    text = f"services: {{api: {SLEEPER[:-1]}, ports: [{{name: http, target: 80, published: auto, host_ip: 127.0.0.1}}]}}}}\n"
    checkout.write(dev=text).run("up", "dev")
    port = int(checkout.run("port", "dev", "api", "http").out.rpartition(":")[2])
    checkout.run("down", "dev")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        done = checkout.run("up", "dev")
    assert re.search(
        rf"host port {port} of api http is taken by process \S+ \(pid {os.getpid()}\); it is \d+ now", done.err
    )
    checkout.run("down", "dev")
    assert int(checkout.run("--format", "json", "up", "dev").json["urls"][0]["url"].rpartition(":")[2]) != port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_up_is_finished_by_the_next(checkout: Checkout, number: signal.Signals) -> None:
    checkout.write(
        dev=f"""
        services:
          db: {SLEEPER[:-1]}, healthcheck: {{test: [CMD, test, -f, /tmp/go], start_period: 60s, interval: 60s, start_interval: 100ms}}}}
          web: {SLEEPER[:-1]}, depends_on: {{db: {{condition: service_healthy}}}}}}
        """
    )
    process = checkout.start("up", "dev")
    await_true(lambda: checkout.containers("dev", everything=False) == [f"{checkout.name}-dev-db-1"])
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "db is running (starting)" in err
    assert "web is created" in err
    assert "Traceback" not in err
    assert (checkout.root / ".envman/dev/docker-compose.yml").read_text().startswith("# Rendered by envman")
    checkout.sh("dev", "db", "touch /tmp/go")
    checkout.run("up", "dev")
    assert len(checkout.containers("dev", everything=False)) == 2


def test_a_killed_up_is_finished_by_the_next(checkout: Checkout) -> None:
    checkout.write(
        dev=f"services: {{db: {SLEEPER[:-1]}, healthcheck: {{test: [CMD, test, -f, /tmp/go], interval: 60s, start_period: 60s, start_interval: 100ms}}}}}}\n"
    )
    process = checkout.start("up", "dev")
    await_true(lambda: len(checkout.containers("dev", everything=False)) == 1)
    process.kill()
    process.communicate(timeout=60)
    checkout.sh("dev", "db", "touch /tmp/go")
    done = checkout.run("up", "dev")
    assert "`up dev` was interrupted (begun)" in done.err
    assert done.out.startswith("dev is up")


# --- engines that cannot be used


NEEDS = """\
==> dev needs
    + network default create: not there yet
    + api create: no container yet (blueprints/dev.yaml:1:12)
"""


def failed(checkout: Checkout, *arguments: str, **environ: str) -> str:
    return checkout.write(dev=f"services: {{api: {SLEEPER}}}\n").run(*arguments, status=3, **environ).err


def test_no_engine(checkout: Checkout, tmp_path: Path) -> None:
    err = failed(checkout, "up", "dev", DOCKER_HOST=f"unix://{tmp_path}/nothing.sock")
    assert err == (
        f"error[EV401]: no Docker engine at unix://{tmp_path}/nothing.sock (DOCKER_HOST): there is no such socket\n"
        "  = help: start Docker (`systemctl start docker`, or Docker Desktop); `docker context ls` shows other engines\n\n"
    )


def test_an_engine_that_refuses_connections(checkout: Checkout) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    err = failed(checkout, "status", DOCKER_HOST=f"tcp://127.0.0.1:{port}")
    assert err == (
        f"error[EV401]: no Docker engine at tcp://127.0.0.1:{port} (DOCKER_HOST): nobody listens there\n"
        "  = help: check that the host is up and the address right; `docker context ls` shows other engines\n\n"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_no_permission_on_the_socket(checkout: Checkout, tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o600)
        for folder in (tmp_path, *tmp_path.parents):
            if folder.owner() == "root" and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o055)
        program = (
            "import os, sys, docker, docker.tls, requests, urllib3, encodings.idna\n"
            "from envman.engine.connection import connect\nfrom envman.engine.endpoint import Endpoint\n"
            "from envman.diagnostics import EnvmanError\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "try:\n    connect(Endpoint(sys.argv[1], None, 'DOCKER_HOST')).facts()\n"
            "except EnvmanError as error:\n    print(error.diagnostics[0].code, error.diagnostics[0].message)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, f"unix://{path}"], capture_output=True, text=True, check=False
        )
    assert done.stdout == f"EV402 no permission on the Docker socket {path}\n", done.stderr


def test_no_docker_command(checkout: Checkout, tmp_path: Path) -> None:
    err = failed(checkout, "up", "dev", PATH=str(tmp_path))
    assert err == (
        f"{NEEDS}==> starting dev\n"
        "error[EV403]: there is no docker command on PATH\n"
        "  = expected the Docker CLI with its Compose plugin\n"
        "  = help: install Docker (https://docs.docker.com/engine/install/); "
        "an engine elsewhere needs the CLI here too\n\n"
    )


def fake_docker(folder: Path, compose: str) -> str:
    """Return a PATH whose docker answers `compose version` with the shell command ``compose``."""
    script = folder / "docker"
    script.write_text(f'#!/bin/sh\ncase "$*" in *"compose version"*) {compose};; esac\nexit 1\n')
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_no_compose_plugin(checkout: Checkout, tmp_path: Path) -> None:
    err = failed(checkout, "up", "dev", PATH=fake_docker(tmp_path, "exit 1"))
    assert err == (
        f"{NEEDS}==> starting dev\n"
        "error[EV404]: the docker command has no Compose plugin\n"
        "  = expected Compose 2.24 or newer\n"
        "  = help: install `docker-compose-plugin` (`docker-compose` in Debian and Ubuntu); "
        "Docker Desktop brings it\n\n"
    )


def test_a_compose_that_is_too_old(checkout: Checkout, tmp_path: Path) -> None:
    err = failed(checkout, "up", "dev", PATH=fake_docker(tmp_path, "echo 2.17.3; exit 0"))
    assert err == (
        f"{NEEDS}==> starting dev\n"
        "error[EV405]: Compose 2.17.3 is too old\n"
        "  = expected 2.24 or newer\n"
        "  = help: upgrade the Compose plugin\n\n"
    )


@pytest.mark.parametrize("command", ["up", "plan"])
def test_a_compose_that_is_too_old_for_an_attribute(checkout: Checkout, tmp_path: Path, command: str) -> None:
    checkout.write(dev="services:\n  api:\n    image: busybox:1.37\n    pre_start: [{image: 'busybox:1.37'}]\n")
    err = checkout.run(command, "dev", status=3, PATH=fake_docker(tmp_path, "echo 5.2.0; exit 0")).err
    assert "error[EV412]: services.api.pre_start needs Compose 5.3.0, this is 5.2.0\n" in err
    assert "blueprints/dev.yaml:4:5" in err


def test_an_unknown_context(checkout: Checkout, tmp_path: Path) -> None:
    err = failed(checkout, "--context", "prdo", "status", DOCKER_CONFIG=str(tmp_path))
    assert err == (
        'error[EV407]: there is no Docker context "prdo" (--context)\n'
        "  = expected one of default\n"
        "  = help: `docker context ls` lists them, `docker context use NAME` chooses one\n\n"
    )


def test_a_context_is_where_everything_goes(checkout: Checkout, tmp_path: Path) -> None:
    config = {**os.environ, "DOCKER_CONFIG": str(tmp_path)}
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    subprocess.run(
        ["docker", "context", "create", "here", "--docker", f"host={host}"], check=True, capture_output=True, env=config
    )
    checkout.environ = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "here"}
    checkout.write(dev=f"services: {{api: {SLEEPER}}}\n")
    environ = {key: value for key, value in os.environ.items() if key != "DOCKER_HOST"}
    done = subprocess.run(
        checkout.argv("up", "dev"), capture_output=True, text=True, check=False, env={**environ, **checkout.environ}
    )
    assert done.returncode == 0, done.stderr
    assert len(checkout.containers("dev", everything=False)) == 1


def test_json_has_one_document_also_for_errors(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev="services: {api: {imge: x}}\n")
    document = json.loads(checkout.run("--format", "json", "up", "dev", status=1).out)
    assert document["exit_status"] == 1
    assert document["result"] is None
    assert [(one["code"], one["place"]["line"]) for one in document["diagnostics"]] == [("EV105", 1)]


def test_a_container_that_vanishes_while_waiting_is_no_traceback(checkout: Checkout) -> None:
    checkout.write(
        dev=f"services: {{api: {SLEEPER[:-1]}, healthcheck: {{test: [CMD, 'false'], start_period: 60s, interval: 60s}}}}}}\n"
    )
    process = checkout.start("up", "dev", "--timeout", "20")
    await_true(lambda: len(checkout.containers("dev", everything=False)) == 1)
    docker("rm", "--force", f"{checkout.name}-dev-api-1")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    # Seen between its end and its removal, it has exited; seen afterwards, it never came up.
    assert re.search(r"error\[EV60[35]\]", err)
    assert "Traceback" not in err


def test_only_what_failed_in_this_run_is_said_to_have_failed(checkout: Checkout) -> None:
    checkout.write(
        dev="""
        services:
          db:
            image: busybox:1.37
            command: [sh, -c, 'test -e /state/ran && exit 7; touch /state/ran; trap "exit 0" TERM; sleep 600 & wait']
            volumes: ['state:/state']
            logging: {driver: none}
            healthcheck: {test: [CMD, test, -e, /state/ran], interval: 200ms}
          api:
            image: busybox:1.37
            command: [sh, -c, 'trap "exit 143" TERM; sleep 600 & wait']
            depends_on: {db: {condition: service_healthy}}
        volumes: {state: {}}
        """
    )
    checkout.run("up", "dev")
    checkout.run("stop", "dev")
    done = checkout.run("up", "dev", status=1)
    assert "error[EV603]: db exited with status 7" in done.err
    assert done.err.count("error[") == 1, done.err
    assert f"the logs of {checkout.name}-dev-db-1 cannot be read" in done.err
    assert "has written nothing" not in done.err


def test_a_gpu_that_a_parent_asks_for_and_the_engine_has_not(checkout: Checkout) -> None:
    checkout.write(
        base=f"abstract: true\nservices:\n  api: {SLEEPER[:-1]}, gpus: all, runtime: nvidia, devices: [nvidia.com/gpu=all]}}\n",
        dev="extends: base\n",
        none="extends: base\nservices: {api: {gpu: none}}\n",
        required="extends: base\nservices: {api: {gpu: required}}\n",
    )
    assert "warning[EV411]: api asks for a GPU, and the engine offers none" in checkout.run("plan", "dev").err
    assert "error[EV411]: a service of dev asks for a GPU" in checkout.run("up", "dev", status=None).err
    planned = checkout.run("plan", "required")
    assert "warning[EV411]: api requires a GPU, and the engine offers none" in planned.err
    checkout.run("up", "none")
