from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envman.diagnostics import EnvmanError
from envman.state.listeners import can_bind, holder_of
from envman.state.ports import COUNT, FIRST, allocate_ports, preferred_port, read_ports, write_ports

DEV = ("churn", "dev")
API = ("api", "http")


@given(st.lists(st.text(), min_size=1))
def test_preferred_ports_lie_in_the_range_and_are_stable(identity: list[str]) -> None:
    port = preferred_port(*identity)
    assert FIRST <= port < FIRST + COUNT
    assert port == preferred_port(*identity)


def test_the_parts_of_an_identity_do_not_run_together() -> None:
    assert preferred_port("a", "bc") != preferred_port("ab", "c")


def test_a_port_is_the_same_every_time() -> None:
    first = allocate_ports(DEV, [API], {}, frozenset(), lambda *_: True)
    assert first == {API: preferred_port("churn", "dev", "api", "http")}


def test_a_recorded_port_is_kept_while_it_is_free() -> None:
    assert allocate_ports(DEV, [API], {API: 23456}, frozenset(), lambda *_: True) == {API: 23456}
    assert allocate_ports(DEV, [API], {API: 23456}, frozenset(), lambda _, port: port != 23456) == {API: 23457}


def test_ports_of_other_environments_are_left_to_them() -> None:
    assert allocate_ports(DEV, [API], {API: 23456}, frozenset({23456, 23457}), lambda *_: True) == {API: 23458}


def test_the_search_wraps_around_the_end_of_the_range() -> None:
    last = FIRST + COUNT - 1
    assert allocate_ports(DEV, [API], {API: last}, frozenset({last}), lambda *_: True) == {API: FIRST}


def test_a_range_that_is_full_is_diagnosed() -> None:
    with pytest.raises(EnvmanError) as caught:
        allocate_ports(DEV, [API], {}, frozenset(), lambda *_: False)
    assert caught.value.diagnostics[0].code == "EV505"


def test_ports_are_recorded_by_environment(tmp_path: Path) -> None:
    write_ports(tmp_path, "dev", {API: 23456, ("tracking", "ui"): 23457})
    write_ports(tmp_path, "prod", {API: 23458})
    assert read_ports(tmp_path) == {"dev": {API: 23456, ("tracking", "ui"): 23457}, "prod": {API: 23458}}
    write_ports(tmp_path, "dev", {})
    assert read_ports(tmp_path) == {"prod": {API: 23458}}


def test_a_listener_is_seen_and_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not can_bind(port)
        assert not can_bind(port, "127.0.0.1")
        assert f"(pid {os.getpid()})" in holder_of(port)
    assert can_bind(port)
    assert holder_of(port) == ""


@pytest.mark.parametrize(
    ("protocol", "kind"), [("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)], ids=["tcp", "udp"]
)
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_who_has_a_port_of_either_protocol_and_family(protocol: str, kind: socket.SocketKind, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as one:
        try:
            one.bind((address, 0))
        except OSError:
            pytest.skip(f"{address} is not there")
        if protocol == "tcp":
            one.listen()
        port = one.getsockname()[1]
        me = f"(pid {os.getpid()})"
        for wanted in ("", address):
            assert not can_bind(port, wanted, protocol)
            assert me in holder_of(port, wanted, protocol)
        other = "udp" if protocol == "tcp" else "tcp"
        assert can_bind(port, address, other)
        assert holder_of(port, address, other) == ""
        if address == "127.0.0.1":
            assert can_bind(port, "127.0.0.2", protocol)
            assert holder_of(port, "127.0.0.2", protocol) == ""
            assert not can_bind(port, "0.0.0.0", protocol)
            assert me in holder_of(port, "0.0.0.0", protocol)
