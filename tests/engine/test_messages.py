"""What a stack that does not come up says, to the letter. What an engine adds of its own is cut off where noted."""

from __future__ import annotations

import json
import signal

from relay import Relay
from stacks import SLEEPER, Checkout, await_true

# Healthy once a file is there.
HELD = (
    f"{SLEEPER[:-1]}, healthcheck: "
    "{test: [CMD, test, -f, /tmp/go], start_period: 60s, interval: 60s, start_interval: 100ms}}"
)


def diagnostics(err: str, checkout: Checkout) -> tuple[str, str]:
    """Return what envman says itself, and what it quotes, both with a name that is the same in every run."""
    lines = err[err.index("error[") :].replace(checkout.name, "NAME").splitlines()
    quoted = [line for line in lines if line.startswith("  | ") and not line.lstrip("| ").startswith("^")]
    return "\n".join(line for line in lines if line not in quoted).strip(), "\n".join(
        line.removeprefix("  | ") for line in quoted
    )


def test_an_image_that_does_not_exist(checkout: Checkout) -> None:
    checkout.write(dev="services:\n  api: {image: 'localhost:1/nobody/nothing:1'}\n")
    said, quoted = diagnostics(checkout.run("up", "dev", status=1).err, checkout)
    assert said == (
        "error[EV601]: image localhost:1/nobody/nothing:1 of api cannot be pulled\n"
        "  --> blueprints/dev.yaml:2:16\n"
        "  |\n"
        "2 |   api: {image: 'localhost:1/nobody/nothing:1'}\n"
        "  |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ "
        "expected an image that exists in a registry this engine can reach\n"
        "  = help: check the name and tag; `envman doctor` says whether the hub can be reached; "
        "for a private registry, `docker login`"
    )
    assert "connection refused" in quoted


def test_a_build_that_fails(checkout: Checkout) -> None:
    checkout.write(
        dev="""\
        services:
          api:
            build: {context: ., dockerfile_inline: "FROM busybox:1.37\\nRUN echo the reason && exit 42"}
        """
    )
    (said,) = json.loads(checkout.run("up", "dev", "--format", "json", status=1).out)["diagnostics"]
    assert (said["message"], said["detail"]) == ("building api failed: exit status 42", "the reason")
    place = said["place"]
    assert (place["file"], place["line"]) == ("blueprints/dev.yaml (api.build.dockerfile_inline)", 2)

    (checkout.root / "Dockerfile").write_text("FROM busybox:1.37\nRUN echo one && \\\n    exit 7\n")
    checkout.write(dev="services:\n  api: {build: .}\n")
    err = checkout.run("build", "dev", status=1).err
    assert err.partition("error[EV602]")[2] == (
        ": building api failed: exit status 7\n"
        "  --> Dockerfile:2:1\n"
        "  |\n"
        "2 | RUN echo one && \\\n"
        "  | ^^^^^^^^^^^^^^^^^\n"
        "  = note: api is built here blueprints/dev.yaml:2:9\n"
        "  = help: the build's own output is above\n\n"
    )
    assert err.count("did not complete successfully") == 2, "BuildKit itself says it twice"


def test_a_service_that_exits_at_once(checkout: Checkout) -> None:
    checkout.write(dev="services:\n  api: {image: 'busybox:1.37', command: [sh, -c, 'echo no config; exit 3']}\n")
    assert diagnostics(checkout.run("up", "dev", status=1).err, checkout) == (
        (
            "error[EV603]: api exited with status 3\n"
            "  --> blueprints/dev.yaml:2:3\n"
            "  |\n"
            "2 |   api: {image: 'busybox:1.37', command: [sh, -c, 'echo no config; exit 3']}\n"
            "  |   ^^^\n"
            "  = help: `envman logs dev api` shows more"
        ),
        "last lines of NAME-dev-api-1:\nno config",
    )


def test_a_service_that_never_gets_healthy(checkout: Checkout) -> None:
    checkout.write(
        dev="""\
        services:
          api:
            image: busybox:1.37
            init: true
            command: [sh, -c, "echo listening; exec sleep infinity"]
            healthcheck: {test: [CMD-SHELL, "echo still empty; exit 1"], interval: 200ms, retries: 2}
        """
    )
    assert diagnostics(checkout.run("up", "dev", status=1).err, checkout) == (
        (
            "error[EV604]: api is unhealthy\n"
            "  --> blueprints/dev.yaml:6:5\n"
            "  |\n"
            '6 |     healthcheck: {test: [CMD-SHELL, "echo still empty; exit 1"], interval: 200ms, retries: 2}\n'
            "  |     ^^^^^^^^^^^\n"
            "  = help: `envman logs dev api` shows more"
        ),
        "last lines of NAME-dev-api-1:\nlistening\n\nlast health check:\nstill empty",
    )


def test_a_stack_that_takes_too_long(checkout: Checkout) -> None:
    checkout.write(dev=f"services:\n  api: {HELD}\n")
    assert diagnostics(checkout.run("up", "dev", "--timeout", "1.5", status=1).err, checkout) == (
        (
            "error[EV605]: not ready in time: api (starting)\n"
            "  = help: give it more with `--timeout SECONDS`; what was started is still there"
        ),
        "NAME-dev-api-1 has written nothing",
    )


def test_the_engine_stops_in_the_middle_of_up_and_the_next_finishes_the_job(checkout: Checkout) -> None:
    checkout.write(
        dev=f"services:\n  db: {HELD}\n  web: {SLEEPER[:-1]}, depends_on: {{db: {{condition: service_healthy}}}}}}\n"
    )
    with Relay() as relay:
        checkout.environ["DOCKER_HOST"] = relay.host
        process = checkout.start("up", "dev")
        await_true(lambda: checkout.containers("dev", everything=False) == [f"{checkout.name}-dev-db-1"])
        relay.cut()
        _, err = process.communicate(timeout=60)
    del checkout.environ["DOCKER_HOST"]
    assert process.returncode == 3
    assert diagnostics(err, checkout) == (
        (
            f"error[EV408]: the engine at {relay.host} (DOCKER_HOST) went away\n"
            "  = help: start it again, then repeat the command: it goes on from what is there"
        ),
        "",
    )
    checkout.sh("dev", "db", "touch /tmp/go")
    assert checkout.run("up", "dev").out.startswith("dev is up")
    assert len(checkout.containers("dev", everything=False)) == 2


def test_an_interrupt_names_the_state_and_the_next_up_finishes_the_job(checkout: Checkout) -> None:
    checkout.write(
        dev=f"services:\n  db: {HELD}\n  web: {SLEEPER[:-1]}, depends_on: {{db: {{condition: service_healthy}}}}}}\n"
    )
    process = checkout.start("up", "dev")
    await_true(lambda: checkout.containers("dev", everything=False) == [f"{checkout.name}-dev-db-1"])
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith(
        "    - db is running (starting)\n"
        "    - web is created\n"
        "\n"
        "interrupted; the same command again goes on from what is there\n"
    )
    checkout.sh("dev", "db", "touch /tmp/go")
    assert checkout.run("up", "dev").out.startswith("dev is up")


def test_an_interrupt_while_images_are_built_changes_nothing(checkout: Checkout) -> None:
    checkout.write(
        dev="""\
        services:
          api: {build: {context: ., dockerfile_inline: "FROM busybox:1.37\\nRUN echo begun && sleep 100"}}
        """
    )
    process = checkout.start("up", "dev")
    assert process.stderr is not None
    while "begun" not in (line := process.stderr.readline()) or "RUN" in line:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith(
        "    - dev is as it was before; its images are not complete yet\n"
        "\n"
        "interrupted; the same command again goes on from what is there\n"
    )
    assert checkout.containers("dev") == []
