"""What `verify` says to do about what it found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from environments import load

from envman.lock.compare import Difference
from envman.operations.verify import Parting, Verification

BLUEPRINT = "services: {api: {image: 'busybox:1.37'}, db: {image: 'busybox:1.37'}}\n"


def remedies(root: Path, *running: Parting, blueprint: bool = False, instance: str | None = None) -> list[str]:
    environment = load(root, instance=instance, dev=BLUEPRINT)
    differences = (Difference("EV533", "image", "x", "another"),) if blueprint else ()
    lock: Any = None
    return Verification(lock, environment, differences, running, ()).remedies()


def test_nothing_is_to_be_done_about_nothing(tmp_path: Path) -> None:
    assert remedies(tmp_path) == []


def test_a_change_by_hand_needs_a_new_container(tmp_path: Path) -> None:
    changed = [Parting("drift", service, f"x-{service}-1", "mem_limit") for service in ("db", "api", "db")]
    assert remedies(tmp_path, *changed, instance="two") == [
        (
            "`envman up dev api db --frozen --recreate --instance two` undoes what was changed by hand; "
            "without `--recreate` it stays"
        )
    ]


def test_all_of_it_in_the_order_in_which_it_has_to_be_done(tmp_path: Path) -> None:
    found = [Parting("missing", "api", "", "api does not run"), Parting("drift", "db", "x-db-1", "mem_limit")]
    assert [one.partition("`")[2].partition("`")[0] for one in remedies(tmp_path, *found, blueprint=True)] == [
        "envman lock dev",
        "envman up dev --frozen",
        "envman up dev db --frozen --recreate",
    ]
