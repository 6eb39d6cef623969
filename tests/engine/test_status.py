"""How environments and their services are told, what differs from the blueprint, and `--watch`."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from stacks import SLEEPER, Checkout, await_true, docker

HEALTHY = (
    "{image: 'busybox:1.37', init: true, command: [sleep, infinity], ports: ['127.0.0.1::80'], "
    "healthcheck: {test: 'echo all is well', interval: 1s, start_interval: 100ms, start_period: 5s}}"
)


def rows(checkout: Checkout) -> dict[str, dict[str, Any]]:
    return {one["environment"]: one for one in checkout.run("--format", "json", "status").json}


def test_every_environment_has_a_row(checkout: Checkout) -> None:
    volume = SLEEPER.replace("}", ", volumes: ['data:/d']}")
    checkout.write(
        dev=f"services: {{api: {HEALTHY}, worker: {SLEEPER}}}\n",
        staging=f"services: {{api: {volume}}}\nvolumes: {{data: {{}}}}\n",
        prod=f"services: {{api: {SLEEPER}}}\n",
        local="services: {api: {imagine: x}}\n",
    )
    checkout.run("up", "dev")
    checkout.run("up", "staging")
    checkout.run("down", "staging")
    found = rows(checkout)
    states = {name: (one["state"], one["health"], one["drift"]) for name, one in found.items()}
    assert states == {
        "dev": ("up", "healthy", []),
        "staging": ("down, data kept", "", []),
        "prod": ("never created", "", []),
        "local": ("never created", "", []),
    }
    url = f"http://127.0.0.1:{docker('port', f'{checkout.name}-dev-api-1').split(':')[-1]}"
    assert found["dev"]["urls"] == [{"service": "api", "port": 80, "name": None, "url": url}]

    state = next(Path(os.environ["XDG_STATE_HOME"]).glob(f"envman/{checkout.name}-*"))
    for name in ("one", "two", ".half-made"):
        (state / "snapshots" / "staging" / name).mkdir(parents=True)
    docker("rm", "--force", f"{checkout.name}-dev-worker-1")
    checkout.write(dev=f"services: {{api: {HEALTHY.replace('all is', 'all was')}, worker: {SLEEPER}}}\n")
    found = rows(checkout)
    assert (found["dev"]["state"], found["dev"]["drift"]) == (
        "partly up",
        ["api: made from another definition", "worker: missing"],
    )
    assert found["staging"]["snapshots"] == 2
    checkout.run("stop", "dev")
    assert rows(checkout)["dev"]["state"] == "stopped"


def test_the_drift_of_a_listing_is_what_a_plan_would_mend(checkout: Checkout) -> None:
    checkout.write(dev=f"services: {{api: {SLEEPER}, gone: {SLEEPER}}}\n").run("up", "dev")
    docker("network", "disconnect", f"{checkout.name}-dev_default", f"{checkout.name}-dev-api-1")
    checkout.write(dev=f"services: {{api: {SLEEPER}}}\n")
    assert rows(checkout)["dev"]["drift"] == [
        f"api: not attached to {checkout.name}-dev_default",
        "gone: no blueprint names it",
    ]
    checkout.run("up", "dev")
    assert rows(checkout)["dev"]["drift"] == []


def test_one_environments_services_in_depth(checkout: Checkout) -> None:
    checkout.write(dev=f"services: {{api: {HEALTHY}, worker: {SLEEPER}}}\n").run("up", "dev")
    name = f"{checkout.name}-dev-api-1"
    docker("update", "--memory", "96m", "--memory-swap", "-1", name)
    api, worker = checkout.run("--format", "json", "status", "dev").json
    assert (api["service"], api["state"], api["health"], api["restarts"]) == ("api", "running", "healthy", 0)
    assert api["health_output"] == "all is well\n"
    assert api["image_digest"].startswith("sha256:")
    assert [(one["host_ip"], one["target"], one["protocol"]) for one in api["ports"]] == [("127.0.0.1", 80, "tcp")]
    assert 0 < api["usage"]["memory"] < api["usage"]["memory_limit"] == 96 * 1024**2
    assert api["usage"]["cpu_percent"] >= 0
    assert (api["drift"], worker["drift"]) == (["mem_limit unset -> 96m"], [])
    text = checkout.run("status", "dev").out
    assert "  drift: mem_limit unset -> 96m\n  last health check: all is well\n" in text
    docker("rm", "--force", f"{checkout.name}-dev-worker-1")
    _, worker = checkout.run("--format", "json", "status", "dev").json
    assert (worker["service"], worker["name"], worker["state"]) == ("worker", "", "missing")
    # A blueprint with errors does not hide what runs.
    checkout.write(dev="services: {api: {imagine: x}}\n")
    done = checkout.run("status", "dev")
    assert "error[EV105]" in done.err
    assert name in done.out


def test_what_runs_against_the_blueprint(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(
        dev="services:\n"
        "  api:\n    image: busybox:1.37\n    init: true\n    command: [sleep, infinity]\n    mem_limit: 64m\n"
        f"    networks: [back]\n  worker: {SLEEPER}\nnetworks: {{back: {{}}}}\n"
    )
    checkout.run("up", "dev")
    assert checkout.run("diff", "dev", "running", "--exit-code").out == "dev and running do not differ\n"
    name = f"{checkout.name}-dev"
    docker("update", "--memory", "96m", "--memory-swap", "-1", f"{name}-api-1")
    docker("network", "disconnect", f"{name}_back", f"{name}-api-1")
    docker("network", "rm", f"{name}_back")
    docker("rm", "--force", f"{name}-worker-1")
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", f"{name}-api-1"))
    kept = {key: one for key, one in labels.items() if key.startswith(("dev.envman.", "com.docker.compose.project"))}
    kept["com.docker.compose.service"] = "stray"
    options = [part for key, one in kept.items() for part in ("--label", f"{key}={one}")]
    docker("run", "--detach", "--init", *options, "busybox:1.37", "sleep", "infinity")

    out = checkout.run("diff", "dev", "running", "--exit-code", status=5).out.replace(checkout.name, "NAME")
    assert out == (
        "dev and running differ in 5 values\n"
        "\n"
        "services\n"
        "  stray\n"
        "    dev      -\n"
        "    running  there\n"
        "  worker\n"
        "    dev      there  blueprints/dev.yaml:8:3\n"
        "    running  -\n"
        "\n"
        "resources\n"
        "  api.mem_limit\n"
        '    dev      "64m"  blueprints/dev.yaml:6:16\n'
        '    running  "96m"\n'
        "\n"
        "other\n"
        "  networks.back\n"
        "    dev      there  blueprints/dev.yaml:9:12\n"
        "    running  -\n"
        "  api.networks.NAME-dev_back\n"
        '    dev      "attached"  blueprints/dev.yaml:7:16\n'
        "    running  -\n"
    )
    concise = checkout.run("diff", "dev", "running", "api.mem_limit", "--format", "concise").out
    assert concise == 'resources: api.mem_limit: "64m" -> "96m"\n'
    data = checkout.run("diff", "dev", "running", "--format", "json").json
    assert (data["left"], data["right"], len(data["differences"])) == ("dev", "running", 5)
    assert "| `api.mem_limit` |" in checkout.run("diff", "dev", "running", "--format", "markdown").out


def test_secret_values_are_in_no_difference(checkout: Checkout) -> None:
    service = "image: busybox:1.37, init: true, command: [sleep, infinity]"
    text = f"services: {{api: {{{service}, environment: {{API_TOKEN: s3cr3t-%s, URL: 'db://u:s3cr3t-%s@h/%s'}}}}}}\n"
    checkout.write(dev=text.replace("%s", "one")).run("up", "dev")
    checkout.write(dev=text.replace("%s", "two"))
    for command in (("diff", "dev", "running"), ("--format", "json", "diff", "dev", "running"), ("plan", "dev"),
                    ("--format", "json", "plan", "dev"), ("status", "dev"), ("status",)):  # fmt: skip
        done = checkout.run(*command)
        assert "s3cr3t" not in done.out + done.err
    assert "environment.API_TOKEN" in checkout.run("diff", "dev", "running").out


def test_watch_draws_anew_when_something_happens_and_ends_well(checkout: Checkout) -> None:
    checkout.write(dev=f"services: {{api: {SLEEPER}}}\n").run("up", "dev")
    master, slave = pty.openpty()
    process = subprocess.Popen(checkout.argv("status", "--watch"), stdout=slave, stderr=slave, env=dict(os.environ))
    os.close(slave)
    seen = bytearray()
    os.set_blocking(master, False)

    def shows(text: bytes) -> bool:
        with contextlib.suppress(BlockingIOError, OSError):
            seen.extend(os.read(master, 65536))
        return text in seen

    try:
        await_true(lambda: shows(b"up "), seconds=30)
        assert seen.startswith(b"\x1b[H\x1b[J")
        seen.clear()
        docker("stop", "--time", "0", f"{checkout.name}-dev-api-1")
        await_true(lambda: shows(b"stopped"), seconds=30)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not shows(b"Traceback")
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize("arguments", [("status", "--watch"), ("status", "dev", "--watch")])
def test_a_watch_is_no_json_document(checkout: Checkout, arguments: tuple[str, ...]) -> None:
    checkout.write(dev=f"services: {{api: {SLEEPER}}}\n")
    document = json.loads(checkout.run("--format", "json", *arguments, status=2).out)
    assert [one["code"] for one in document["diagnostics"]] == ["EV902"]
