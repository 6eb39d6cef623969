"""Bundles from one engine to another that has no network."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from private_engine import PrivateEngine
from stacks import Checkout, Done, docker


@pytest.fixture(scope="module")
def alone() -> Iterator[PrivateEngine]:
    with PrivateEngine("busybox:1.37") as engine:
        yield engine


@pytest.fixture
def far(alone: PrivateEngine) -> Iterator[PrivateEngine]:
    """An engine that nothing can be pulled to, alone in its network; it has busybox and no other image."""
    yield alone
    containers = alone.docker("ps", "--all", "--quiet").split()
    if containers:
        alone.docker("rm", "--force", "--volumes", *containers)
    names = alone.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    others = [name for name in names if name != "busybox:1.37" and "<none>" not in name]
    if others:
        alone.docker("rmi", "--force", *others)
    alone.docker("image", "prune", "--force")


@pytest.fixture
def image() -> Iterator[str]:
    """The name of an image that a test builds: no registry has it."""
    name = f"envman-test-{secrets.token_hex(6)}:1"
    yield name
    docker("rmi", "--force", name, check=False)


def locked(checkout: Checkout, image: str, more: str = "", *, step: str = "RUN echo said > /said") -> None:
    """Write an environment whose service `a` builds ``image``, build it and lock it; ``more`` are lines of YAML."""
    folder = checkout.root / "made"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM busybox:1.37\n{step}\nRUN echo {image} > /name\n")
    service = (
        f'services:\n  a:\n    image: "{image}"\n    build: ./made\n    init: true\n    command: [sleep, infinity]\n'
    )
    checkout.write(prod=service + more)
    checkout.run("build", "prod")
    checkout.run("lock", "prod")


def identity(image: str) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", image)


@pytest.fixture
def there(far: PrivateEngine, tmp_path: Path, checkout: Checkout) -> Iterator[Checkout]:
    """The same project on the far engine, in a folder that is not there yet."""
    made = Checkout(
        tmp_path / "there", checkout.name, {"DOCKER_HOST": far.host, "XDG_STATE_HOME": str(tmp_path / "far-state")}
    )
    yield made
    left = far.docker("ps", "--all", "--quiet", "--filter", f"label=dev.envman.project={checkout.name}").split()
    if left:
        far.docker("rm", "--force", "--volumes", *left)


def load(there: Checkout, bundle: Path, *more: str, status: int = 0) -> Done:
    """Load ``bundle`` in a folder that lies in no project."""
    outside = Checkout(there.root.parent, there.name, there.environ)
    return outside.run("bundle", "load", str(bundle), *more, status=status)


def ids(engine: PrivateEngine, *names: str) -> list[str]:
    return engine.docker("image", "inspect", "--format", "{{.Id}}", *names).split()


STACK = """\
    entrypoint: [sh, -c, "cat /run/secrets/pw > /dev/null && cat /etc/app.conf && sleep infinity"]
    volumes: ["data:/data"]
    configs: [{source: app, target: /etc/app.conf}]
    secrets: [pw]
  hub:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
  unnamed:
    build: ./made
    init: true
    command: [sleep, infinity]
volumes: {data: {}}
configs: {app: {file: app.conf}}
secrets: {pw: {source: generate}}
"""


def test_an_environment_and_its_data_come_up_where_there_is_no_network(
    checkout: Checkout, far: PrivateEngine, there: Checkout, image: str, tmp_path: Path
) -> None:
    checkout.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    (checkout.root / "app.conf").write_text("configured\n")
    locked(checkout, image, STACK)
    checkout.run("up", "prod")
    checkout.sh("prod", "a", "echo precious > /data/file")
    checkout.run("snapshot", "create", "prod", "--name", "carried")
    (password,) = (path.read_bytes() for path in tmp_path.glob("state/envman/*/secrets/prod/pw"))
    bundle = tmp_path / "prod.bundle"
    checkout.run("bundle", "prod", "-o", str(bundle), "--with-data", "carried")
    assert password not in bundle.read_bytes()
    names = [image, "busybox:1.37", f"{checkout.name}-prod-unnamed"]
    pulled = subprocess.run(["docker", "--host", far.host, "pull", "busybox:1"], capture_output=True, check=False)
    assert pulled.returncode != 0

    load(there, bundle, "--into", str(there.root))

    assert ids(far, *names) == [identity(name) for name in names]
    there.run("up", "prod", "--frozen")
    there.run("verify", "prod")
    there.run("snapshot", "restore", "prod", "carried", "--yes", "--no-snapshot")
    said = far.docker("exec", f"{there.name}-prod-a-1", "cat", "/data/file", "/etc/app.conf", "/name")
    assert said.split() == ["precious", "configured", image]
    there.run("down", "prod", "--volumes", "--yes", "--no-snapshot")


def test_the_same_images_are_the_same_bytes_whatever_order_the_engine_sends_them_in(
    checkout: Checkout, image: str, tmp_path: Path
) -> None:
    locked(checkout, image, "  b: {image: busybox:1.37}\n")
    made = []
    for number in range(2):
        checkout.run("bundle", "prod", "-o", str(tmp_path / str(number)))
        made.append((tmp_path / str(number)).read_bytes())
    assert made[0] == made[1]


def test_docker_itself_loads_a_bundle(checkout: Checkout, far: PrivateEngine, image: str, tmp_path: Path) -> None:
    locked(checkout, image)
    checkout.run("bundle", "prod", "-o", str(tmp_path / "it"))
    far.docker("load", "--input", str(tmp_path / "it"))
    assert ids(far, image) == [identity(image)]
    assert far.docker("run", "--rm", image, "cat", "/said") == "said"
    far.docker("rmi", image)


def test_a_name_that_another_image_has_stays_its_own_unless_asked(
    checkout: Checkout, far: PrivateEngine, there: Checkout, image: str, tmp_path: Path
) -> None:
    locked(checkout, image)
    checkout.run("bundle", "prod", "-o", str(tmp_path / "it"))
    far.docker("tag", "busybox:1.37", image)
    (other,) = ids(far, image)
    before = far.docker("images", "--all", "--quiet", "--no-trunc")
    refused = load(there, tmp_path / "it", status=1)
    assert "EV686" in refused.err
    assert far.docker("images", "--all", "--quiet", "--no-trunc") == before
    done = load(there, tmp_path / "it", "--replace")
    assert "loaded" in done.out
    assert ids(far, image, "busybox:1.37") == [identity(image), other]
    far.docker("rmi", image)


def test_images_beside_others_get_names_of_their_own(
    checkout: Checkout, far: PrivateEngine, image: str, tmp_path: Path
) -> None:
    from envman.operations.bundle import load_bundle
    from envman.operations.progress import Silent
    from envman.operations.workspace import Workspace

    locked(checkout, image)
    checkout.run("bundle", "prod", "-o", str(tmp_path / "it"))
    far.docker("tag", "busybox:1.37", image)
    (other,) = ids(far, image)
    workspace = Workspace.at(checkout.root, {**os.environ, "DOCKER_HOST": far.host})
    loaded = load_bundle(workspace, tmp_path / "it", Silent(), into=tmp_path / "unpacked")
    (name,) = loaded.names.values()
    wanted = identity(image)
    assert ids(far, image, name) == [other, wanted]
    assert list(loaded.images.values()) == [wanted]
    assert (tmp_path / "unpacked/blueprints/prod.lock").is_file()
    far.docker("rmi", image, name)


def test_where_the_engine_is_full_nothing_is_left_behind(
    checkout: Checkout, far: PrivateEngine, there: Checkout, image: str, tmp_path: Path
) -> None:
    more = "  b: {image: busybox:1.37}\n"
    locked(checkout, image, more, step="RUN dd if=/dev/urandom of=/large bs=1M count=40")
    checkout.run("bundle", "prod", "-o", str(tmp_path / "it"))
    before = far.docker("images", "--all", "--no-trunc")
    # In one the file itself does not fit, in the other what it unpacks to.
    for size in ("24m", "64m"):
        with far.only(size):
            refused = load(there, tmp_path / "it", "--into", str(there.root), status=3)
            assert "EV524" in refused.err
            assert far.docker("images", "--all", "--no-trunc") == before
            assert not there.root.exists()
            assert not [one for one in tmp_path.iterdir() if "there" in one.name]


def test_where_the_disk_is_full_no_bundle_is_written(checkout: Checkout, image: str, full_disk: Path) -> None:
    locked(checkout, image)
    refused = checkout.run("bundle", "prod", "-o", str(full_disk / "it"), status=1)
    assert "EV683" in refused.err
    assert "no space left on device" in refused.err
    assert list(full_disk.iterdir()) == []


def test_where_the_disk_is_full_nothing_is_unpacked_and_nothing_loaded(
    checkout: Checkout, far: PrivateEngine, there: Checkout, image: str, full_disk: Path, tmp_path: Path
) -> None:
    (checkout.root / "big").write_bytes(os.urandom(1 << 20))
    locked(checkout, image, '    volumes: ["./big:/big"]\n')
    checkout.run("bundle", "prod", "-o", str(tmp_path / "it"))
    before = far.docker("images", "--all", "--no-trunc")
    refused = load(there, tmp_path / "it", "--into", str(full_disk / "there"), status=1)
    assert "EV688" in refused.err
    assert list(full_disk.iterdir()) == []
    assert far.docker("images", "--all", "--no-trunc") == before


def test_snapshots_go_into_the_project_that_is_there(
    checkout: Checkout, far: PrivateEngine, there: Checkout, image: str, tmp_path: Path
) -> None:
    locked(checkout, image, '    volumes: ["data:/data"]\nvolumes: {data: {}}\n')
    checkout.run("up", "prod")
    checkout.run("snapshot", "create", "prod", "--name", "one")
    bundle = tmp_path / "it"
    checkout.run("bundle", "prod", "-o", str(bundle), "--with-data", "prod/one")

    assert "snapshots were left in the bundle" in load(there, bundle).out
    far.docker("rmi", image)
    load(there, bundle, "--into", str(there.root))
    shown = there.run("--format", "json", "snapshot", "show", "prod", "one", "--verify").json
    assert shown["volumes"][0]["key"] == "data"
    # The same one is no clash; another one of its name is, and then no image stays either.
    assert "snapshots: prod/one" in there.run("bundle", "load", str(bundle)).out
    there.run("snapshot", "delete", "prod", "one", "--yes")
    there.run("up", "prod", "--frozen")
    there.run("snapshot", "create", "prod", "--name", "one")
    there.run("down", "prod")
    far.docker("rmi", image)
    refused = there.run("bundle", "load", str(bundle), status=1)
    assert "EV641" in refused.err
    assert image not in far.docker("images", "--format", "{{.Repository}}:{{.Tag}}")
    assert json.loads(far.docker("system", "df", "--format", "json").splitlines()[0])["TotalCount"] == "1"


def test_memory_stays_flat_whatever_the_size(
    checkout: Checkout, far: PrivateEngine, there: Checkout, image: str, tmp_path: Path
) -> None:
    locked(checkout, image, step="RUN dd if=/dev/urandom of=/large bs=1M count=70")
    bundle = tmp_path / "it"
    measured = ("/usr/bin/env", "python3", "-c", _MEASURED)
    for argv, environ in (
        (checkout.argv("bundle", "prod", "-o", str(bundle)), {}),
        (Checkout(tmp_path, checkout.name).argv("bundle", "load", str(bundle)), there.environ),
    ):
        done = subprocess.run(
            [*measured, *argv], capture_output=True, text=True, check=True, env={**os.environ, **environ}
        )
        # Of the file of 70 MB there is never more than a few pieces.
        assert int(done.stderr.split()[-1]) < 110 << 10, done.stderr
    assert bundle.stat().st_size > 70 << 20
    far.docker("rmi", image)


_MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], check=True)
sys.stderr.write(f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}")
"""
