"""Which local ports are bound, and by whom."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

_LISTEN = "0A"


def can_bind(port: int, host_ip: str = "") -> bool:
    """Return whether this machine would let somebody listen on ``port`` (TCP) of ``host_ip`` (empty: all addresses)."""
    family = socket.AF_INET6 if ":" in host_ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without this a port whose last connections are in TIME_WAIT looks taken; a listener still does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host_ip, port))
        except OSError as error:
            # An address that is not this machine's, or a privileged port, is for the engine to judge.
            return error.errno != errno.EADDRINUSE
    return True


def holder_of(port: int) -> str:
    """Return who listens on TCP ``port``, as ``process NAME (pid N)``; empty where that cannot be known."""
    inodes = _listening_inodes(port)
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (process / "fd").iterdir():
                target = str(descriptor.readlink())
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    name = (process / "comm").read_text().strip()
                    return f"process {name} (pid {process.name})"
        except OSError:
            continue
    return ""


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found
