"""Which ports of this machine are bound, and by whom."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# States of /proc/net/tcp and udp (include/net/tcp_states.h): listening; for UDP "unconnected" is what comes nearest.
_BOUND: Final = {"tcp": "0A", "udp": "07"}
_WORD: Final = 8


def can_bind(port: int, host_ip: str = "", protocol: str = "tcp") -> bool:
    """Return whether this machine would let somebody take ``port`` of ``host_ip``; empty means all addresses.

    An engine binds all addresses of both families then, so either can be in the way.
    """
    return all(_can_bind(port, address, protocol) for address in ([host_ip] if host_ip else ["0.0.0.0", "::"]))  # noqa: S104


def _can_bind(port: int, address: str, protocol: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    try:
        with socket.socket(family, kind) as probe:
            if family is socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if protocol != "udp":
                # Without this a port whose last connections are in TIME_WAIT looks taken; a listener still does.
                # With it two UDP sockets would share a port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        # An address that is not this machine's, a privileged port or a kernel without IPv6 is for the engine to judge.
        return error.errno != errno.EADDRINUSE
    return True


def holder_of(port: int, host_ip: str = "", protocol: str = "tcp") -> str:
    """Return who has ``port``: ``process NAME (pid N)``, ``a process of user NAME``, or nothing if that is hidden."""
    owners = dict(_bound(port, host_ip, protocol))
    if not owners:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (process / "fd").iterdir():
                target = str(descriptor.readlink())
                if target.startswith("socket:[") and target[8:-1] in owners:
                    name = (process / "comm").read_text().strip()
                    return f"process {name} (pid {process.name})"
        except OSError:
            continue
    # Whose files these are only root may see; whose socket it is, everybody.
    return f"a process of user {_user(next(iter(owners.values())))}"


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _bound(port: int, host_ip: str, protocol: str) -> Iterator[tuple[str, int]]:
    """Yield inode and user of each socket that has ``port`` where ``host_ip`` is among its addresses."""
    for table in (protocol, f"{protocol}6"):
        try:
            rows = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            address, _, number = fields[1].rpartition(":")
            if fields[3] == _BOUND[protocol] and int(number, 16) == port and _in_the_way(_address(address), host_ip):
                yield fields[9], int(fields[7])


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address as the kernel writes it: 32-bit words, each in this machine's (little-endian) order."""
    raw = b"".join(bytes.fromhex(text[start : start + _WORD])[::-1] for start in range(0, len(text), _WORD))
    address = ipaddress.ip_address(raw)
    return getattr(address, "ipv4_mapped", None) or address


def _in_the_way(bound: ipaddress.IPv4Address | ipaddress.IPv6Address, host_ip: str) -> bool:
    if not host_ip:
        return True
    try:
        wanted = ipaddress.ip_address(host_ip)
    except ValueError:
        return True
    # [::] has IPv4 as well, unless its owner said otherwise, which the table does not show.
    if bound.is_unspecified:
        return bound.version in {wanted.version, 6}
    return bound == wanted or (wanted.is_unspecified and bound.version == wanted.version)
