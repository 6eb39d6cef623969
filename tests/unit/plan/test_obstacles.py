"""What would keep a plan from being carried out is found before, all of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from environments import facts, load
from stand_ins import CHECKOUT, container, labels

from envman.checks.ports import Claim
from envman.diagnostics import Diagnostic
from envman.plan.known import Known
from envman.plan.observed import Observed, PortHolder, PublishedPort
from envman.plan.obstacles import obstacles
from envman.plan.occupied import Occupied, TakenNetwork, addresses_meet, owner, subnets_of
from envman.plan.reconcile import reconcile
from envman.render.compose import render

OTHER = {"com.docker.compose.project": "other"}
WEB = PortHolder("other-web-1", "other")


def nobody(_: Claim) -> str:
    return ""


def found(
    root: Path,
    text: str,
    occupied: Occupied,
    observed: Observed | None = None,
    *,
    bound: Any = nobody,
    leaving: tuple[str, ...] = (),
) -> list[Diagnostic]:
    environment = load(root, dev=text)
    document = render(environment, facts(root))
    observed = observed or Observed()
    plan = reconcile(environment, document, observed, Known(str(root)))
    return list(obstacles(environment, document, observed, plan, occupied, bound=bound, leaving=leaving))


def said(problems: list[Diagnostic]) -> list[tuple[str, str, str]]:
    return [(one.code, one.message, str(one.span)) for one in problems]


def publishing(*ports: str) -> str:
    lines = "".join(f"  s{number}: {{image: b, ports: ['{port}']}}\n" for number, port in enumerate(ports))
    return f"services:\n{lines}"


# --- ports


def test_every_port_that_is_taken_is_told_at_once_with_its_holder(tmp_path: Path) -> None:
    text = publishing("8080:80", "127.0.0.1:8081:80", "5353:53/udp", "[::1]:8082:80", "8083:80")
    held = {
        ("0.0.0.0", 8080, "tcp"): WEB,
        ("127.0.0.1", 8081, "tcp"): PortHolder("lonely"),
        ("", 5353, "udp"): WEB,
        ("::", 8082, "tcp"): WEB,
    }
    assert said(found(tmp_path, text, Occupied(held))) == [
        (
            "EV505",
            "host port 8080 for s0 is taken by container other-web-1 of Compose project other",
            "blueprints/dev.yaml:2:26",
        ),
        ("EV505", "host port 127.0.0.1:8081 for s1 is taken by container lonely", "blueprints/dev.yaml:3:26"),
        (
            "EV505",
            "host port 5353/udp for s2 is taken by container other-web-1 of Compose project other",
            "blueprints/dev.yaml:4:26",
        ),
        (
            "EV505",
            "host port [::1]:8082 for s3 is taken by container other-web-1 of Compose project other",
            "blueprints/dev.yaml:5:26",
        ),
    ]


@pytest.mark.parametrize(
    ("wanted", "address", "protocol"),
    [("8080:80", "0.0.0.0", "udp"), ("127.0.0.1:8080:80", "127.0.0.2", "tcp"), ("[::1]:8080:80", "0.0.0.0", "tcp")],
)
def test_a_port_of_another_protocol_or_address_is_free(
    tmp_path: Path, wanted: str, address: str, protocol: str
) -> None:
    assert found(tmp_path, publishing(wanted), Occupied({(address, 8080, protocol): WEB})) == []


def test_processes_are_asked_for_what_no_container_has(tmp_path: Path) -> None:
    asked: list[Claim] = []

    def bound(claim: Claim) -> str:
        asked.append(claim)
        return "process nginx (pid 7)" if claim.port == 8081 else ""

    problems = found(tmp_path, publishing("8080:80", "8081:80/udp"), Occupied({("::", 8080, "tcp"): WEB}), bound=bound)
    assert [one.message for one in problems] == [
        "host port 8080 for s0 is taken by container other-web-1 of Compose project other",
        "host port 8081/udp for s1 is taken by process nginx (pid 7)",
    ]
    assert [claim.port for claim in asked] == [8081]


def test_its_own_port_is_in_nobodys_way(tmp_path: Path) -> None:
    held = {("0.0.0.0", 8080, "tcp"): PortHolder("churn-dev-s0-1", "churn-dev")}
    mine = container("s0", ports=(PublishedPort("0.0.0.0", 8080, 80, "tcp"),))
    problems = found(tmp_path, publishing("8080:80"), Occupied(held), Observed((mine,)), bound=lambda _: "docker-proxy")
    assert problems == []


def test_what_leaves_first_is_in_nobodys_way(tmp_path: Path) -> None:
    occupied = Occupied({("", 8080, "tcp"): PortHolder("churn-qa-s0-1", "churn-qa")})
    assert found(tmp_path, publishing("8080:80"), occupied) != []
    assert found(tmp_path, publishing("8080:80"), occupied, bound=lambda _: "docker-proxy", leaving=("churn-qa",)) == []


def test_services_that_are_not_started_want_no_port(tmp_path: Path) -> None:
    text = "services: {api: {image: b}, debug: {image: b, profiles: [debug], ports: ['8080:80']}}\n"
    assert found(tmp_path, text, Occupied({("", 8080, "tcp"): WEB})) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("", "::1", True), ("0.0.0.0", "127.0.0.1", True), ("0.0.0.0", "::", False), ("::", "::1", True),
        ("127.0.0.1", "127.0.0.1", True), ("127.0.0.1", "127.0.0.2", False), ("::", "127.0.0.1", False),
    ],
)  # fmt: skip
def test_which_addresses_meet(one: str, other: str, expected: bool) -> None:
    assert addresses_meet(one, other) is expected
    assert addresses_meet(other, one) is expected


# --- names


@pytest.mark.parametrize(
    ("service", "name", "place"),
    [
        ("{image: b, container_name: gate}", "gate", "blueprints/dev.yaml:1:44"),
        ("{image: b}", "churn-dev-api-1", "blueprints/dev.yaml:1:12"),
        ("{image: b, scale: 3}", "churn-dev-api-3", "blueprints/dev.yaml:1:12"),
    ],
)
def test_a_container_of_another_project_has_the_name(tmp_path: Path, service: str, name: str, place: str) -> None:
    problems = found(tmp_path, f"services: {{api: {service}}}\n", Occupied(containers={name: OTHER}))
    assert said(problems) == [("EV522", f"container name {name} that api needs is taken", place)]
    assert [note.text for note in problems[0].notes] == ["the container that has it belongs to Compose project other"]


def test_its_own_container_has_its_name(tmp_path: Path) -> None:
    mine = {"com.docker.compose.project": "churn-dev", **labels()}
    assert found(tmp_path, "services: {api: {image: b}}\n", Occupied(containers={"churn-dev-api-1": mine})) == []


@pytest.mark.parametrize(
    ("theirs", "whose"),
    [
        (OTHER, "Compose project other"),
        ({}, ""),
        (labels("prod", project="shop", checkout="ba9876543210"), "environment prod of shop"),
    ],
)
def test_networks_and_volumes_of_others_are_not_taken_for_ones_own(
    tmp_path: Path, theirs: Mapping[str, str], whose: str
) -> None:
    text = (
        "services: {api: {image: b, volumes: ['data:/data', 'own:/own'], networks: [back]}}\n"
        "volumes: {data: {name: shop_data}, own: {}}\nnetworks: {back: {name: shop_back}}\n"
    )
    occupied = Occupied(
        volumes={"shop_data": theirs, "churn-dev_own": theirs}, networks=(TakenNetwork("shop_back", theirs),)
    )
    problems = found(tmp_path, text, occupied)
    assert said(problems) == [
        ("EV522", "network name shop_back is taken", "blueprints/dev.yaml:3:25"),
        ("EV522", "volume name shop_data is taken", "blueprints/dev.yaml:2:24"),
        ("EV522", "volume name churn-dev_own is taken", "blueprints/dev.yaml:2:36"),
    ]
    ending = f"belongs to {whose}" if whose else "says nowhere whose it is"
    assert all(one.notes[0].text.endswith(ending) for one in problems)
    assert owner(theirs) == whose


def test_a_name_that_is_shared_in_the_project_may_be_there(tmp_path: Path) -> None:
    text = "services: {api: {image: b, volumes: ['data:/data']}}\nvolumes: {data: {name: churn_data, shared: true}}\n"
    assert found(tmp_path, text, Occupied(volumes={"churn_data": labels("prod")})) == []
    assert found(tmp_path, text, Occupied(volumes={"churn_data": labels("prod", project="shop")})) != []


def test_what_is_external_is_not_made(tmp_path: Path) -> None:
    text = "services: {api: {image: b, volumes: ['data:/data']}}\nvolumes: {data: {external: true}}\n"
    assert found(tmp_path, text, Occupied(volumes={"data": OTHER})) == []


# --- subnets


def network(subnet: str, **more: str) -> str:
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return (
        "services: {api: {image: b, networks: [back]}}\n"
        f"networks: {{back: {{ipam: {{config: [{{subnet: '{subnet}'}}]}}{extra}}}}}\n"
    )


@pytest.mark.parametrize(
    ("wanted", "there", "clash"),
    [
        ("10.5.0.0/16", "10.5.3.0/24", True),
        ("10.5.3.0/24", "10.0.0.0/8", True),
        ("10.6.0.0/16", "10.5.3.0/24", False),
        ("fd00:5::/64", "fd00:5::/48", True),
        ("fd00:5::/64", "10.5.3.0/24", False),
        ("nonsense", "10.5.3.0/24", False),
    ],
)
def test_a_subnet_that_overlaps_is_found_beforehand(tmp_path: Path, wanted: str, there: str, clash: bool) -> None:
    taken = TakenNetwork("other_default", OTHER, subnets_of([there]))
    problems = found(tmp_path, network(wanted), Occupied(networks=(taken,)))
    expected = (
        "EV520",
        f"subnet {wanted} of network back overlaps with network other_default of Compose project other",
        "blueprints/dev.yaml:2:44",
    )
    assert said(problems) == ([expected] if clash else [])


def test_two_networks_of_one_environment_overlap(tmp_path: Path) -> None:
    text = (
        "services: {api: {image: b, networks: [one, two]}}\nnetworks:\n"
        "  one: {ipam: {config: [{subnet: 10.5.0.0/16}]}}\n  two: {ipam: {config: [{subnet: 10.5.1.0/24}]}}\n"
    )
    assert said(found(tmp_path, text, Occupied())) == [
        (
            "EV520",
            "subnet 10.5.1.0/24 of network two overlaps with network one of this environment",
            "blueprints/dev.yaml:4:34",
        )
    ]


def test_a_network_with_addresses_of_its_own_overlaps_with_none(tmp_path: Path) -> None:
    taken = TakenNetwork("other_default", OTHER, subnets_of(["10.5.0.0/16"]))
    assert found(tmp_path, network("10.5.0.0/16", driver="overlay"), Occupied(networks=(taken,))) == []


def test_everything_is_told_in_one_run(tmp_path: Path) -> None:
    text = "services: {api: {image: b, container_name: gate, ports: ['80:80'], networks: [back]}}\nnetworks: {back: {name: x}}\n"
    occupied = Occupied({("", 80, "tcp"): WEB}, {"gate": OTHER}, networks=(TakenNetwork("x", OTHER),))
    assert [one.code for one in found(tmp_path, text, occupied)] == ["EV505", "EV522", "EV522"]
    assert CHECKOUT not in str(said(found(tmp_path, text, occupied)))
