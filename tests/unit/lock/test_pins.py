"""Which name a render uses for what is locked, by what an engine has."""

from __future__ import annotations

from pathlib import Path

import pytest
from locks import Hub, digest, project, workspace

from envman.lock.current import Current
from envman.lock.lock import Lock, LockedBuild, LockedPlatform
from envman.lock.pins import Local, Names, Pins, kept_builds, names_to_look_for, pins
from envman.operations.described import described
from envman.operations.locking import make_lock
from envman.plan.observed import LocalImage

DEV = """\
services:
  db: {image: "postgres:17"}
  fixed: {image: "busybox@sha256:%s"}
  api: {build: ., image: "team/api:1"}
jobs:
  nightly: {build: ., triggers: {manual: true}}
""" % ("f" * 64)
CANONICAL = "docker.io/library/postgres:17"
DIGEST = digest(CANONICAL)
PINNED = f"postgres:17@{DIGEST}"
ID = digest(f"{CANONICAL} linux/amd64 id")
BUILT = digest("built")
MIRROR = {"docker.io": "hub.example.com/mirror"}


@pytest.fixture
def known(tmp_path: Path, own_folders: Path) -> tuple[Lock, Current]:
    environment = project(tmp_path, files={"Dockerfile": "FROM python:3.13\n"}, dev=DEV)
    here = workspace(tmp_path, own_folders)
    made = make_lock(here, environment, Hub())
    return made.lock, described(here, environment)


def image(identity: str, *digests: str) -> LocalImage:
    return LocalImage("", identity, digests, 0, 0.0)


def made(
    known: tuple[Lock, Current], images: dict[str, LocalImage] | None = None, *, used: tuple[str, ...] = (),
    places: dict[str, str] | None = None, build: LockedBuild | None = None,
) -> Pins:  # fmt: skip
    lock, current = known
    if build is not None:
        lock.builds["api"] = build
    names = Names({"api": "team/api:1", "nightly": "churn-dev-nightly"}, places or {})
    local = None if images is None else Local("linux/amd64", images, used)
    return pins(lock, current, kept_builds(lock, current, names, local), names, local)


@pytest.mark.parametrize(
    ("images", "used", "name", "never_pulled"),
    [
        (None, (), PINNED, False),
        ({}, (), PINNED, False),
        # The tag has moved here.
        ({"postgres:17": image("sha256:other")}, (), PINNED, False),
        # Pulled by its tag, or loaded from a file: the digest or the ID tells.
        ({"postgres:17": image("sha256:other", f"postgres@{DIGEST}")}, (), "postgres:17", True),
        ({"postgres:17": image(ID)}, (), "postgres:17", True),
        # An engine that keeps images in containerd has the index's digest for an ID.
        ({"postgres:17": image(DIGEST)}, (), "postgres:17", True),
        ({"postgres:17": image("sha256:other"), ID: image(ID)}, (), ID, True),
        ({"postgres:17": image("sha256:other"), PINNED: image(ID)}, (), PINNED, False),
        # What a container was made with stays.
        ({"postgres:17": image(ID), PINNED: image(ID)}, (PINNED,), PINNED, False),
        ({"postgres:17": image(ID), PINNED: image(ID)}, ("other:1",), "postgres:17", True),
    ],
)
def test_the_name_that_is_used(
    known: tuple[Lock, Current],
    images: dict[str, LocalImage] | None,
    used: tuple[str, ...],
    name: str,
    never_pulled: bool,
) -> None:
    found = made(known, images, used=used)
    assert found.images["postgres:17"] == name
    assert ("postgres:17" in found.never_pulled) == never_pulled
    assert not any("busybox" in one for one in found.images)


def test_builds_start_from_what_is_locked(known: tuple[Lock, Current]) -> None:
    base = "python:3.13@" + digest("docker.io/library/python:3.13")
    assert made(known).contexts == {"api": {"python:3.13": base}, "nightly": {"python:3.13": base}}
    mirrored = made(known, places=MIRROR)
    assert mirrored.contexts["api"] == {"python:3.13": f"hub.example.com/mirror/library/{base}"}
    assert mirrored.images["postgres:17"] == f"hub.example.com/mirror/library/{PINNED}"


def test_a_name_of_before_the_map_counts_too(known: tuple[Lock, Current]) -> None:
    assert made(known, {"postgres:17": image(ID)}, places=MIRROR).images["postgres:17"] == "postgres:17"
    both = {"postgres:17": image(ID), "hub.example.com/mirror/library/postgres:17": image(ID)}
    assert made(known, both, places=MIRROR).images["postgres:17"] == "hub.example.com/mirror/library/postgres:17"


def test_what_was_pushed_or_is_there_is_not_built(known: tuple[Lock, Current]) -> None:
    by_id = {"linux/amd64": LockedPlatform(image=BUILT)}
    pushed = LockedBuild(image="team/api:1", context=digest("c"), digest=digest("p"), platforms=by_id)
    found = made(known, build=pushed)
    assert (set(found.kept), found.images["team/api:1"]) == ({"api"}, f"team/api:1@{digest('p')}")
    assert list(found.contexts) == ["nightly"]
    unpushed = LockedBuild(image="team/api:1", context=digest("c"), platforms=by_id)
    assert made(known, {}, build=unpushed).kept == frozenset()
    assert made(known, {"team/api:1": image("sha256:other")}, build=unpushed).kept == frozenset()
    here = made(known, {"team/api:1": image(BUILT)}, build=unpushed)
    assert (set(here.kept), here.images["team/api:1"]) == ({"api"}, "team/api:1")
    assert "team/api:1" in here.never_pulled


def test_all_that_could_be_it_is_looked_for(known: tuple[Lock, Current]) -> None:
    lock, current = known
    names = Names({"api": "team/api:1", "nightly": "churn-dev-nightly"}, MIRROR)
    found = names_to_look_for(lock, current, names)
    assert {"postgres:17", "hub.example.com/mirror/library/postgres:17", ID, "churn-dev-nightly"} <= found
