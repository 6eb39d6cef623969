"""The template's store of files, for real: SeaweedFS behind MLflow, and a store that the team has in its place."""

from __future__ import annotations

import json
import os
import re
import secrets
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from signed import Store
from stacks import Checkout, await_true, docker, remove_project

from envman.scaffold import new_project

pytestmark = [pytest.mark.timeout(900)]

HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Where builds are behind a proxy that intercepts TLS, this file has its authorities.
AUTHORITIES = Path(os.environ.get("ENVMAN_CA_CERTIFICATES") or "/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A project whose files are to lie in a store; nothing of it is up."""
    name = f"t{secrets.token_hex(4)}"
    folder = tmp_path_factory.mktemp("store")
    root = new_project(name, folder, answers={"artifacts": "s3"}, ask=None, git=False)
    environ = {"XDG_STATE_HOME": str(folder / "state")}
    if AUTHORITIES.is_file():
        environ["ENVMAN_CA_CERTIFICATES"] = str(AUTHORITIES)
    try:
        yield Checkout(root, name, environ)
    finally:
        remove_project(name)


def store_of(project: Checkout, environment: str) -> Store:
    keys = (
        project.run("secrets", "show", environment, f"artifacts_{name}_key").out.strip()
        for name in ("access", "secret")
    )
    return Store(f"{project.name}-{environment}_store", *keys)


def request(project: Checkout, environment: str, path: str) -> dict[str, object]:
    address = project.run("port", environment, "api", "http").out.strip()
    with HTTP.open(f"http://{address}{path}", timeout=60) as response:
        answer: dict[str, object] = json.loads(response.read())
    return answer


def serves(project: Checkout, environment: str) -> bool:
    address = project.run("port", environment, "api", "http").out.strip()
    try:
        with HTTP.open(f"http://{address}/health/ready", timeout=60) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_the_store_has_one_bucket_for_one_pair_of_keys_and_keeps_what_is_in_it(project: Checkout) -> None:
    project.run("up", "local", "object-store")
    store = store_of(project, "local")
    try:
        assert store.ask("PUT", "/mlflow/a/b.txt", "kept")[0][0] == 200
        assert store.keys("mlflow") == ["a/b.txt"]
        wrong = [("", ""), (store.access_key, "wrong"), ("wrong", store.secret_key)]
        for method in ("GET", "PUT", "DELETE"):
            assert [status for status, _ in store.ask(method, "/mlflow/a/b.txt", keys=wrong)] == [403] * 3
        assert store.ask("PUT", "/another")[0][0] == 403, "these keys make no bucket"
        container = f"{project.name}-local-object-store-1"
        seen = [docker("inspect", container), docker("top", container), docker("logs", container)]
        seen.append(project.sh("local", "object-store", "cat /proc/1/environ /data/mini.options"))
        for value in (store.access_key, store.secret_key):
            assert not any(value in text for text in seen)
        assert (
            project.sh("local", "object-store", "id -u; stat -c '%u %a' /dev/shm/identities.json") == "1000\n1000 600"
        )
        assert "Read-only" in project.sh("local", "object-store", "touch /x 2>&1 || true")
        project.run("down", "local")
        project.run("up", "local", "object-store")
        # For some seconds after a start it may answer 500, until its parts have found each other; SDKs try again.
        await_true(lambda: store.ask("GET", "/mlflow/a/b.txt")[0][0] != 500)
        assert store.ask("GET", "/mlflow/a/b.txt") == [(200, "kept")]
    finally:
        project.run("down", "local", "--volumes", "--no-snapshot", "--yes")


@pytest.mark.nightly
def test_models_are_objects_and_are_served_from_the_store_after_a_restart(project: Checkout) -> None:
    project.run("up", "local")
    store = store_of(project, "local")
    try:
        project.run("run", "local", "train")
        await_true(lambda: serves(project, "local"))
        objects = store.keys("mlflow")
        assert any(re.fullmatch(r"\d+/models/m-[0-9a-f]+/artifacts/MLmodel", name) for name in objects), objects
        # The volume has runs, and no file.
        assert project.sh("local", "tracking", "find /mlflow -type f -not -name 'mlflow.db*'") == ""
        # Whoever reads and writes files has no key to the store, and no way to it.
        variables = project.sh("local", "api", "env")
        assert "AWS_" not in variables
        assert "KEY" not in variables
        reached = "import socket; socket.create_connection(('object-store', 8333), 3)"
        assert "gaierror" in project.sh("local", "api", f'python -c "{reached}" 2>&1 || true')
        model = request(project, "local", "/model")
        project.run("down", "local")
        project.run("up", "local")
        await_true(lambda: serves(project, "local"))
        assert request(project, "local", "/model") == model
        assert store.keys("mlflow") == objects
    finally:
        project.run("down", "local", "--volumes", "--no-snapshot", "--yes")


RENTED = """\
extends: [base, external-store]
services:
  tracking:
    networks: [default]
    volumes: [{type: volume, source: mlflow, target: /mlflow}]
volumes: {mlflow: {}}
"""


@pytest.fixture
def elsewhere(project: Checkout, tmp_path: Path) -> Iterator[str]:
    """A store that no environment of the project has: the name of its container."""
    for key in ("access", "secret"):
        (tmp_path / key).write_text(f"{key}{'0' * 16}")
    name = f"{project.name}-elsewhere"
    image = f"{project.name}-elsewhere-image"
    docker("build", "--quiet", "--tag", image, str(project.root / "docker/object-store"))
    variables = ("BUCKET=models", "ACCESS_KEY_FILE=/keys/access", "SECRET_KEY_FILE=/keys/secret")
    options = [word for variable in variables for word in ("--env", variable)]
    tmp_path.chmod(0o755)
    docker("run", "--detach", "--name", name, *options, "--volume", f"{tmp_path}:/keys:ro", image)
    yield name
    docker("rm", "--force", "--volumes", name)


@pytest.mark.nightly
def test_a_store_that_the_team_has_keeps_models_or_says_why_not(project: Checkout, elsewhere: str) -> None:
    (project.root / "blueprints/rented.yaml").write_text(RENTED)
    network = f"{project.name}-rented_outside"
    keys = f"access{'0' * 16}", f"secret{'0' * 16}"
    given = {
        "ARTIFACTS_ENDPOINT": "http://store.example:8333",
        "ARTIFACTS_BUCKET": "models",
        "ARTIFACTS_REGION": "us-east-1",
        "ARTIFACTS_ACCESS_KEY": keys[0],
    }
    rented = Checkout(project.root, project.name, {**project.environ, **given})
    missing = rented.run("up", "rented", status=1)
    assert "ARTIFACTS_SECRET_KEY is not set" in missing.err
    rented.environ["ARTIFACTS_SECRET_KEY"] = keys[1]
    try:
        # A store that is away keeps nobody from looking at runs.
        rented.run("up", "rented", "tracking")
        assert "the store of files is away" in rented.run("logs", "rented", "tracking").out
        docker("network", "connect", "--alias", "store.example", network, elsewhere)
        rented.run("run", "rented", "train")
        store = Store(network, *keys, "store.example:8333")
        objects = store.keys("models")
        assert objects
        assert all(name.startswith(f"{project.name}-rented/") for name in objects)
        refused = rented.run("up", "rented", "tracking", status=None, ARTIFACTS_SECRET_KEY="wrong")
        assert refused.status != 0
        assert "answers 403 when asked for the bucket models" in refused.out + refused.err
    finally:
        docker("network", "disconnect", "--force", network, elsewhere, check=False)
        rented.run("down", "rented", "--volumes", "--no-snapshot", "--yes")
        (project.root / "blueprints/rented.yaml").unlink()
