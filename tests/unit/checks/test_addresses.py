"""EV321: fixed addresses that no engine would give."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import complaints

NETWORK = "{ipam: {config: [{subnet: 10.99.0.0/24}]}}"
TEXT = (
    "services: {{a: {{image: b, {more}networks: {{n: {{{attribute}: '{address}'}}}}}}}}\nnetworks: {{n: {network}}}\n"
)


@pytest.mark.parametrize(
    ("address", "network", "message"),
    [
        ("10.99.0.5", NETWORK, ""),
        ("10.98.0.5", NETWORK, "10.98.0.5 is in no subnet of network n"),
        ("10.99.0.5", "{}", "10.99.0.5 is in no subnet of network n"),
        ("10.99.0.5", "{external: true}", ""),
        ("10.99.0", NETWORK, "10.99.0 is no address"),
        ("10.99.0.0", NETWORK, "10.99.0.0 is reserved on network n"),
        ("10.99.0.1", NETWORK, "10.99.0.1 is reserved on network n"),
        ("10.99.0.255", NETWORK, "10.99.0.255 is reserved on network n"),
        ("10.99.0.1", "{ipam: {config: [{subnet: 10.99.0.0/24, gateway: 10.99.0.254}]}}", ""),
        ("10.99.0.254", "{ipam: {config: [{subnet: 10.99.0.0/24, gateway: 10.99.0.254}]}}", "reserved on network n"),
        ("10.98.0.5", "{ipam: {driver: other}}", ""),
    ],
)
def test_an_address_is_held_to_its_network(tmp_path: Path, address: str, network: str, message: str) -> None:
    text = TEXT.format(more="", attribute="ipv4_address", address=address, network=network)
    found = complaints(tmp_path, "EV321", dev=text)
    assert len(found) == bool(message)
    assert all(message in one.message for one in found)


def test_an_address_is_that_of_one_container(tmp_path: Path) -> None:
    text = TEXT.format(more="scale: 2, ", attribute="ipv4_address", address="10.99.0.5", network=NETWORK)
    (found,) = complaints(tmp_path, "EV321", dev=text)
    assert found.message == "a runs more than one container with address 10.99.0.5"
    services = ", ".join(f"{name}: {{image: b, networks: {{n: {{ipv4_address: 10.99.0.5}}}}}}" for name in "ab")
    both = f"services: {{{services}}}\nnetworks: {{n: {NETWORK}}}\n"
    (found,) = complaints(tmp_path, "EV321", dev=both)
    assert found.message == "b and a both have address 10.99.0.5 on network n"
