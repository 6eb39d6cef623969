"""A lock against a listing of containers."""

from __future__ import annotations

import json
from pathlib import Path

from locks import Hub, digest, project, workspace
from stand_ins import container

from envman.lock.glance import Glance, glance, identities
from envman.lock.lock import LockedBuild
from envman.operations.described import described
from envman.operations.locking import make_lock

DEV = "services: {db: {image: 'postgres:17'}, api: {build: .}, outside: {provider: {type: awesomecloud}}}\n"
NAME = "docker.io/library/postgres:17"


def test_containers_run_what_is_locked_or_not(tmp_path: Path, own_folders: Path) -> None:
    environment = project(tmp_path, files={"Dockerfile": "FROM python:3.13\n"}, dev=DEV)
    here = workspace(tmp_path, own_folders)
    lock = make_lock(here, environment, Hub()).lock
    made = glance(lock, described(here, environment), agrees=True)

    # An image that was not built yet when it was locked can be any.
    assert list(made.images) == ["db"]
    kept = Glance(*json.loads(json.dumps(made)))
    right = container("db", image_id=digest(f"{NAME} linux/amd64 id"))
    assert kept.holds([right, container("api", image_id="sha256:any")])
    assert kept.holds([container("db", image_id=digest(NAME))])
    assert not kept.holds([right, container("db", 2, image_id="sha256:other")])
    assert not kept._replace(agrees=False).holds([right])


def test_an_image_that_is_not_known_has_no_identity() -> None:
    assert identities(LockedBuild(image="a", context=digest("c"))) == []
