from __future__ import annotations

import secrets

from stacks import SLEEPER, Checkout, docker, remove_project

DATA = f"services: {{db: {SLEEPER[:-1]}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{}}}}\n"


def test_down_volumes_refuses_without_a_terminal_and_lists_what_dies(checkout: Checkout) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    done = checkout.run("down", "dev", "--volumes", status=1)
    assert done.err == (
        "error[EV606]: `down dev --volumes` deletes data, and there is no terminal to ask at\n"
        f"  = note: volume {checkout.name}-dev_data and all data in it would be deleted\n"
        "  = help: add `--yes` if that is what you want; nothing was changed\n\n"
    )
    assert len(checkout.containers("dev", everything=False)) == 1
    done = checkout.run("down", "dev", "--volumes", "--yes")
    assert done.out.splitlines()[0] == f"dev is down; deleted: {checkout.name}-dev_data"
    assert checkout.volumes("dev") == []


def test_a_protected_environment_wants_its_name_typed(checkout: Checkout) -> None:
    checkout.write(prod="protected: true\n" + DATA).run("up", "prod")
    for arguments in (["--yes"], ["--confirm", "dev"], []):
        done = checkout.run("down", "prod", "--volumes", *arguments, status=1)
        assert "prod is protected: its name must be typed to delete data" in done.err
        assert len(checkout.volumes("prod")) == 1
    checkout.run("down", "prod", "--volumes", "--confirm", "prod")
    assert checkout.volumes("prod") == []


def test_a_protected_volume_wants_the_name_typed_too(checkout: Checkout) -> None:
    checkout.write(dev=DATA.replace("{}", "{retain: protected}")).run("up", "dev")
    checkout.run("down", "dev", "--volumes", "--yes", status=1)
    checkout.run("down", "dev", "--volumes", "--confirm", "dev")
    assert checkout.volumes("dev") == []


def test_external_volumes_are_never_deleted(checkout: Checkout) -> None:
    external = f"{checkout.name}-elsewhere"
    docker("volume", "create", external)
    try:
        checkout.write(dev=DATA.replace("{}", f"{{external: true, name: {external}}}")).run("up", "dev")
        checkout.run("down", "dev", "--volumes", "--yes")
        assert docker("volume", "ls", "--quiet", "--filter", f"name={external}") == external
    finally:
        docker("volume", "rm", external)


def test_a_volume_that_no_blueprint_names_any_more_is_still_listed_and_deleted_only_on_request(
    checkout: Checkout,
) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    checkout.write(dev=f"services: {{db: {SLEEPER}}}\n").run("up", "dev")
    checkout.run("down", "dev")
    assert checkout.volumes("dev") == [f"{checkout.name}-dev_data"]
    checkout.run("down", "dev", "--volumes", "--yes")
    assert checkout.volumes("dev") == []


def test_twenty_containers_of_other_projects_are_left_alone(checkout: Checkout) -> None:
    other = f"t{secrets.token_hex(4)}"
    names = [f"{other}-{number}" for number in range(20)]
    label = f"com.docker.compose.project={other}"
    for number, name in enumerate(names):
        # Some of them are of a Compose project, some of none.
        labels = ("--label", label) if number % 2 else ()
        docker("run", "--detach", "--init", "--name", name, *labels, "busybox:1.37", "sleep", "infinity")
    docker("volume", "create", "--label", label, other)
    try:
        facts = ("inspect", "--format", "{{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}}")
        before = docker(*facts, *names)
        checkout.write(dev=DATA, staging=DATA)
        checkout.run("up", "dev")
        checkout.run("switch", "staging")
        checkout.run("restart", "staging")
        checkout.run("rm", "dev")
        checkout.run("down", "staging", "--volumes", "--yes")
        checkout.run("down", "dev", "--volumes", "--yes")
        assert docker(*facts, *names) == before
        assert before.count(" running ") == 20
        assert docker("volume", "ls", "--quiet", "--filter", f"label={label}") == other
    finally:
        docker("rm", "--force", *names)
        docker("volume", "rm", other)
        remove_project(other)


def test_stop_keeps_containers_and_up_starts_the_same_ones(checkout: Checkout) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    before = checkout.container_ids("dev")
    assert checkout.run("stop", "dev").out == "dev stopped\n"
    assert checkout.containers("dev", everything=False) == []
    assert "stopped" in checkout.run("status").out
    checkout.run("up", "dev")
    assert checkout.container_ids("dev") == before


def test_rm_removes_stopped_containers_and_nothing_else(checkout: Checkout) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    assert checkout.run("rm", "dev").out == "no stopped container to remove\n"
    assert len(checkout.containers("dev")) == 1
    checkout.run("stop", "dev")
    assert checkout.run("rm", "dev").out == f"removed: {checkout.name}-dev-db-1\n"
    assert checkout.containers("dev") == []
    assert len(checkout.volumes("dev")) == 1


def test_restart_keeps_the_containers(checkout: Checkout) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    before = checkout.container_ids("dev")
    started = docker("inspect", "--format", "{{.State.StartedAt}}", *before)
    checkout.run("restart", "dev")
    assert checkout.container_ids("dev") == before
    assert docker("inspect", "--format", "{{.State.StartedAt}}", *before) != started
    assert "EV608" in checkout.write(staging=DATA).run("restart", "staging", status=1).err


def test_down_of_what_was_never_up_is_no_error(checkout: Checkout) -> None:
    assert checkout.write(dev=DATA).run("down", "dev").out == "dev is down\n"


def test_a_network_that_others_use_stays_and_is_named(checkout: Checkout) -> None:
    checkout.write(dev=f"services: {{web: {SLEEPER}}}\n").run("up", "dev")
    network = f"{checkout.name}-dev_default"
    other = docker("run", "--detach", "--rm", "--init", "--network", network, "busybox:1.37", "sleep", "600")
    try:
        done = checkout.run("down", "dev")
        assert f"network {network} stays: containers of others are attached to it" in done.err
        assert checkout.containers("dev") == []
    finally:
        docker("rm", "--force", other)
    checkout.run("down", "dev")
    assert docker("network", "ls", "--quiet", "--filter", f"name={network}") == ""
