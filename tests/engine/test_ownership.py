from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml
from stacks import SLEEPER, Checkout, docker

DATA = f"services: {{db: {SLEEPER[:-1]}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{}}}}\n"


def second(checkout: Checkout, tmp_path: Path) -> Checkout:
    root = tmp_path / "elsewhere" / "project"
    root.mkdir(parents=True)
    return Checkout(root, checkout.name).write(dev=DATA)


def test_a_second_checkout_is_refused_and_told_what_to_do(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    before = checkout.container_ids("dev")
    other = second(checkout, tmp_path)
    for command in (
        ["up", "dev"],
        ["down", "dev", "--volumes", "--yes"],
        ["stop", "dev"],
        ["rm", "dev", "--stop"],
        ["plan", "dev"],
    ):
        done = other.run(*command, status=1)
        first, help_line, *_ = done.err[done.err.index("error[") :].splitlines()
        assert re.fullmatch(
            rf"error\[EV501\]: container {checkout.name}-dev-db-1 belongs to another checkout of {checkout.name} "
            r"\(ID \w+; this one is \w+\)",
            first,
        )
        assert help_line == (
            "  = help: run this checkout's own beside it with `--instance NAME` (for example `envman up dev --instance "
            "two`); if the other one is this checkout whose ID was lost, take it over with `--adopt`"
        )
    assert checkout.container_ids("dev") == before
    assert len(checkout.containers("dev", everything=False)) == 1
    assert other.run("ps", "dev").out == "dev has no containers\n"


def test_a_volume_alone_is_enough_to_be_refused(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    checkout.run("down", "dev")
    assert "EV501" in second(checkout, tmp_path).run("up", "dev", status=1).err


def test_two_checkouts_run_side_by_side_with_an_instance(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    other = second(checkout, tmp_path)
    other.run("up", "dev", "--instance", "two")
    checkout.sh("dev", "db", "echo one > /data/file")
    docker("exec", f"{checkout.name}-dev-two-db-1", "sh", "-c", "echo two > /data/file")
    assert checkout.sh("dev", "db", "cat /data/file") == "one"
    other.run("use", "dev", "--instance", "two")
    other.run("down", "--volumes", "--yes")
    assert checkout.sh("dev", "db", "cat /data/file") == "one"
    assert checkout.containers("dev-two") == []


def test_a_plain_compose_project_of_the_same_name_is_left_alone(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=DATA)
    plain = tmp_path / "plain.yml"
    plain.write_text(f"services: {{db: {SLEEPER}}}\n")
    name = f"{checkout.name}-dev"
    docker("compose", "--project-name", name, "--file", str(plain), "up", "--detach")
    try:
        done = checkout.run("up", "dev", status=1)
        assert (
            f"error[EV502]: container {name}-db-1 belongs to a Compose project {name} that envman did not create"
            in done.err
        )
        assert "EV502" in checkout.run("down", "dev", status=1).err
        assert len(checkout.containers("dev", everything=False)) == 1
    finally:
        docker("compose", "--project-name", name, "--file", str(plain), "down")


def test_a_folder_that_moved_keeps_its_stacks(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    before = checkout.container_ids("dev")
    moved = tmp_path / "moved"
    checkout.root.rename(moved)
    checkout.root = moved
    done = checkout.run("up", "dev")
    assert "this checkout has moved here from" in done.err
    assert checkout.container_ids("dev") == before


def test_git_clean_loses_neither_stack_nor_secrets(checkout: Checkout) -> None:
    checkout.write(dev=DATA + "secrets: {token: {source: generate}}\n").run("up", "dev")
    before = checkout.container_ids("dev")
    token = checkout.run("secrets", "show", "dev", "token").out
    shutil.rmtree(checkout.root / ".envman")
    assert checkout.run("up", "dev").out.startswith("dev is up, nothing to do")
    assert checkout.container_ids("dev") == before
    assert checkout.run("secrets", "show", "dev", "token").out == token


def test_a_lost_id_can_be_taken_over_after_a_question(checkout: Checkout, own_folders: Path) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    checkout.sh("dev", "db", "echo precious > /data/file")
    shutil.rmtree(checkout.root / ".envman")
    shutil.rmtree(own_folders / "state")
    assert "EV501" in checkout.run("up", "dev", status=1).err
    assert "EV606" in checkout.run("up", "dev", "--adopt", status=1).err
    checkout.run("up", "dev", "--adopt", "--yes")
    assert checkout.sh("dev", "db", "cat /data/file") == "precious"


def test_a_lost_generated_secret_is_not_made_anew_beside_its_data(checkout: Checkout, own_folders: Path) -> None:
    checkout.write(dev=DATA + "secrets: {token: {source: generate}}\n").run("up", "dev")
    checkout.run("down", "dev")
    shutil.rmtree(own_folders / "state")
    done = checkout.run("up", "dev", status=1)
    assert 'error[EV503]: the generated secret "token" is gone' in done.err
    checkout.run("secrets", "set", "dev", "token", stdin="restored\n")
    checkout.run("up", "dev")
    assert checkout.run("secrets", "show", "dev", "token").out == "restored\n"


def test_a_default_network_that_an_older_envman_left_without_labels_comes_back_under_control(
    checkout: Checkout,
) -> None:
    text = f"services: {{db: {SLEEPER[:-1]}, networks: [default]}}}}\n"
    checkout.write(dev=text)
    old = yaml.safe_load(checkout.run("render", "dev", "--output", "-").out)
    del old["networks"]
    (checkout.root / "old.yml").write_text(yaml.safe_dump(old))
    docker("compose", "--file", str(checkout.root / "old.yml"), "up", "--detach")
    assert "running" in checkout.run("ps", "dev").out
    for command in ("plan", "up"):
        done = checkout.run(command, "dev", status=1)
        assert f"EV507]: network {checkout.name}-dev_default exists with another definition" in done.err
    checkout.run("down", "dev")
    checkout.run("up", "dev")
    assert checkout.run("up", "dev").out.startswith("dev is up, nothing to do")
    assert checkout.run("down", "dev").err.count("EV") == 0
