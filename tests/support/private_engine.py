"""An engine of a test's own, in a network namespace and with a small disk of its own: it can be killed and filled."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from daemons import ends_with_us

_DISK = "256m"


class PrivateEngine:
    """A dockerd that only this test talks to. ``pools`` are its address pools; it has the images named.

    Only processes that it started are ended: its own, by their ids.
    """

    def __init__(self, *images: str, pool: str = "10.213.0.0/16", size: int = 24, disk: str = _DISK) -> None:
        missing = [name for name in ("dockerd", "unshare", "mount") if shutil.which(name) is None]
        if os.geteuid() != 0 or missing:
            pytest.skip(f"a second engine needs root{f' and {missing[0]}' if missing else ''}")
        self.folder = Path(tempfile.mkdtemp(prefix="engine"))
        self.data = self.folder / "data"
        self.socket = self.folder / "docker.sock"
        self.images = images
        self.disk = disk
        self.pool = f"base={pool},size={size}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    def docker(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", "--host", self.host, *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        """Start the engine, and wait until it answers."""
        (self.folder / "docker.pid").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ends_with_us(
                    "unshare", "--net", "dockerd", "--host", self.host, "--data-root", str(self.data),
                    "--exec-root", str(self.folder / "exec"), "--pidfile", str(self.folder / "docker.pid"),
                    "--cgroup-parent", f"/{self.folder.name}", "--default-address-pool", self.pool,
                    "--config-file", str(self.folder / "none.json"),
                ),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_plain_environment(),
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.skip("a second engine does not start here: " + (self.folder / "log").read_text()[-400:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        done = subprocess.run(["docker", "--host", self.host, "version"], capture_output=True, check=False)
        return done.returncode == 0

    def inside(self, *command: str) -> list[str]:
        """Return the command line of ``command`` in the engine's network namespace."""
        assert self._process is not None
        return ["nsenter", "--net", f"--target={self._process.pid}", *command]

    def open_loopback(self) -> None:
        """Give the namespace the loopback address that every machine has."""
        subprocess.run(self.inside("ip", "link", "set", "lo", "up"), check=True)

    @contextlib.contextmanager
    def only(self, size: str) -> Iterator[None]:
        """Give the engine's disk another ``size`` for a while."""
        self._resize(size)
        try:
            yield
        finally:
            self._resize(self.disk)

    def _resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.data)], check=True)

    def swarm(self) -> None:
        """Make the engine a Swarm of one node, which needs an address in its namespace."""
        self.open_loopback()
        self.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")

    def kill(self) -> None:
        """End the engine as a crash would; its containers go on, as they do then.

        Its containerd is ended with it, with the file that names it: the next engine would wait ten seconds for that to
        answer.
        """
        assert self._process is not None
        named = self.folder / "exec/containerd/containerd.pid"
        containerd = int(named.read_text())
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.kill(containerd, signal.SIGKILL)
        named.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        (self.folder / "none.json").write_text("{}")
        self.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.disk}", "tmpfs", str(self.data)], check=True)
        try:
            self.start()
            with subprocess.Popen(["docker", "save", *self.images], stdout=subprocess.PIPE) as saved:
                subprocess.run(
                    ["docker", "--host", self.host, "load", "--quiet"],
                    stdin=saved.stdout, check=True, capture_output=True,
                )  # fmt: skip
            assert saved.returncode == 0
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is not None:
            # Only the engine itself ends its containers and its containerd in order.
            with contextlib.suppress(pytest.skip.Exception):
                self.start()
        if self._process is not None and self._process.poll() is None:
            left = self.docker("ps", "--all", "--quiet").split()
            if left:
                self.docker("rm", "--force", "--volumes", *left)
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
        self._end_the_rest()
        subprocess.run(["umount", "--lazy", str(self.data)], check=False, capture_output=True)
        for namespace in self.folder.glob("exec/netns/*"):
            subprocess.run(["umount", "--lazy", str(namespace)], check=False, capture_output=True)
        for group in (*Path("/sys/fs/cgroup").glob(f"*/{self.folder.name}"), Path("/sys/fs/cgroup") / self.folder.name):
            with contextlib.suppress(OSError):
                group.rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_the_rest(self) -> None:
        """End what an engine that was killed, and did not come back, has left of its containers and their shims."""
        groups = Path("/sys/fs/cgroup")
        listed = (
            *groups.glob(f"*/{self.folder.name}/*/cgroup.procs"),
            *groups.glob(f"{self.folder.name}/*/cgroup.procs"),
        )
        ours = {int(number) for path in listed for number in path.read_text().split()}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if f"{self.folder}/exec/".encode() in path.read_bytes():
                    ours.add(int(path.parent.name))
        for one in ours:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
