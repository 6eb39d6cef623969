"""What `check` warns of, and what it must let pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environments
import pytest

from envman.checks import advise, check_environment, check_together
from envman.checks.access import unwritable_grants
from envman.diagnostics import Report, Severity


def advice(root: Path, **blueprints: Any) -> list[tuple[str, str]]:
    """Return code and message of what is said about each blueprint that has no parent named `base`."""
    report = Report()
    loaded = [
        environments.load(root, name, settings=None, process=None, instance=None, **blueprints)
        for name in blueprints
        if name != "base"
    ]
    for environment in loaded:
        check_environment(environment, root, report)
        advise(environment, root, report)
    check_together(loaded, report, whole=True)
    return [(one.code, one.message) for one in report]


def codes(root: Path, **blueprints: str) -> list[str]:
    return [code for code, _ in advice(root, **blueprints)]


@pytest.mark.parametrize(
    ("image", "floats"),
    [
        ("busybox", True),
        ("busybox:latest", True),
        ("registry:5000/busybox", True),
        ("registry:5000/busybox:1.37", False),
        ("busybox:1.37", False),
        ("busybox@sha256:e226d6308690dbe282443c8c7e57365c96b5228f0fe7f40731b5d84d37a06839", False),
    ],
)
def test_an_image_needs_a_version(tmp_path: Path, image: str, floats: bool) -> None:
    assert codes(tmp_path, dev=f"services: {{a: {{image: '{image}'}}}}") == (["EV314"] if floats else [])


def test_an_image_that_is_built_here_needs_none(tmp_path: Path) -> None:
    assert codes(tmp_path, dev="services: {a: {image: x, build: {context: ., dockerfile_inline: FROM scratch}}}") == []


ONE_SHOT = "services: {{a: {{image: 'busybox:1', {}}}, b: {{image: 'busybox:1'{}}}, c: {{image: 'busybox:1', {}}}}}"


@pytest.mark.parametrize(
    ("of_a", "of_b", "lonely"),
    [
        ("restart: 'no'", "", True),
        ("restart: on-failure:3", "", False),
        ("deploy: {restart_policy: {condition: none}}", "", True),
        ("restart: always", "", False),
        ("init: true", "", False),
        ("restart: 'no', profiles: [jobs]", "", False),
        ("restart: 'no', ports: ['80']", "", False),
        ("restart: 'no', healthcheck: {test: 'true'}", "", False),
        ("restart: 'no'", ", depends_on: {a: {condition: service_completed_successfully}}", False),
    ],
)
def test_a_one_shot_wants_somebody_who_waits(tmp_path: Path, of_a: str, of_b: str, lonely: bool) -> None:
    assert codes(tmp_path, dev=ONE_SHOT.format(of_a, of_b, "restart: always")) == (["EV306"] if lonely else [])


def test_a_stack_that_restarts_nothing_has_no_one_shots(tmp_path: Path) -> None:
    assert codes(tmp_path, dev=ONE_SHOT.format("restart: 'no'", "", "init: true")) == []


@pytest.mark.parametrize(
    ("policy", "endless"),
    [
        ("restart: always", True),
        ("restart: unless-stopped", True),
        ("deploy: {restart_policy: {condition: any}}", True),
        ("restart: on-failure", False),
        ("init: true", False),
    ],
)
def test_what_is_restarted_never_completes(tmp_path: Path, policy: str, endless: bool) -> None:
    waits = ", depends_on: {a: {condition: service_completed_successfully}}"
    assert codes(tmp_path, dev=ONE_SHOT.format(policy, waits, "init: true")) == (["EV312"] if endless else [])


@pytest.mark.parametrize(
    ("of_a", "of_b", "apart"),
    [
        ("", "networks: [n], ", True),
        ("networks: [n], ", "networks: [m], ", True),
        ("networks: [n, m], ", "networks: [m], ", False),
        ("", "", False),
        ("networks: [default], ", "", False),
        ("network_mode: host, ", "networks: [n], ", False),
    ],
)
@pytest.mark.parametrize(("condition", "talks"), [("service_healthy", True), ("service_started", False)])
def test_a_dependency_without_a_network_in_common(
    tmp_path: Path, of_a: str, of_b: str, apart: bool, condition: str, talks: bool
) -> None:
    text = (
        f"services: {{a: {{image: 'x:1', {of_a}depends_on: {{b: {{condition: {condition}}}}}}}, "
        f"b: {{image: 'x:1', {of_b}healthcheck: {{test: 'true'}}}}}}\nnetworks: {{n: {{}}, m: {{}}}}"
    )
    found = [code for code in codes(tmp_path, dev=text) if code != "EV317"]  # networks that a case does not use
    assert found == (["EV320"] if apart and talks else [])


@pytest.mark.parametrize(
    ("rest", "broken"),
    [
        ("depends_on: [b]", True),
        ("depends_on: {b: {condition: service_started, required: false}}", False),
        ("depends_on: [b], profiles: [debug]", False),
    ],
)
def test_a_dependency_behind_a_profile(tmp_path: Path, rest: str, broken: bool) -> None:
    text = f"services: {{a: {{image: 'x:1', {rest}}}, b: {{image: 'x:1', profiles: [debug]}}}}"
    assert codes(tmp_path, dev=text) == (["EV315"] if broken else [])
    assert codes(tmp_path, dev=text + "\nprofiles: [debug]\n") == []


NAMED = "services: {{a: {{image: 'x:1', volumes: ['data:/data'], networks: [net]}}}}\nvolumes: {{data: {}}}\nnetworks: {{net: {}}}\n"


@pytest.mark.parametrize(
    ("volume", "network", "found"),
    [
        ("{name: one}", "{}", ["EV313"]),
        ("{external: true}", "{}", ["EV313"]),
        ("{name: one, shared: true}", "{}", []),
        ("{}", "{name: one}", ["EV313"]),
        ("{}", "{external: true}", []),
        ("{}", "{}", []),
    ],
)
def test_one_name_in_two_environments(tmp_path: Path, volume: str, network: str, found: list[str]) -> None:
    text = NAMED.format(volume, network)
    assert codes(tmp_path, dev=text, prod=text) == found


def test_two_environments_on_one_host_port(tmp_path: Path) -> None:
    text = "services: {a: {image: 'x:1', ports: ['127.0.0.1:8080:80', '127.0.0.2:8080:80']}}"
    other = "services: {a: {image: 'x:1', ports: ['8080:80/udp', '127.0.0.2:8080:80']}}"
    assert advice(tmp_path, dev=text, prod=other) == [
        ("EV302", "dev and prod both publish host port 8080/tcp: they cannot be up at once")
    ]


def test_what_one_heir_uses_is_used(tmp_path: Path) -> None:
    base = "abstract: true\nvariables: {tag: {type: string, default: '1'}}\nvolumes: {data: {}}\nsecrets: {s: {source: generate}}"
    plain = "extends: base\nservices: {a: {image: 'x:1'}}"
    user = "extends: base\nservices: {a: {image: 'x:${tag}', volumes: ['data:/d'], environment: {A: {secret: s}}}}"
    assert codes(tmp_path, base=base, dev=plain, prod=user) == ["EV309"]
    assert codes(tmp_path, base=base, dev=plain) == ["EV316", "EV317", "EV317"]


def test_the_leaf_of_another_does_not_use_it(tmp_path: Path) -> None:
    declares = "volumes: {data: {}}\nservices: {a: {image: 'x:1'}}"
    uses = "volumes: {data: {}}\nservices: {a: {image: 'x:1', volumes: ['data:/d']}}"
    assert codes(tmp_path, dev=declares, prod=uses) == ["EV317"]


def test_a_variable_in_the_branch_not_taken_is_used(tmp_path: Path) -> None:
    text = "variables: {a: {type: string, default: x}, b: {type: string, default: y}}\nservices: {a: {image: 'x:${a:-${b}}'}}"
    assert codes(tmp_path, dev=text) == []


@pytest.mark.parametrize(
    ("user", "mode", "complains"),
    [
        ('user: "1000:1000"', 0o600, True),
        ('user: "1000:1000"', 0o604, False),
        ("user: app", 0o600, True),
        ("user: root", 0o600, False),
        ('user: "0:0"', 0o600, False),
        ("init: true", 0o600, False),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        "volumes: ['./settings:/etc/settings']}}",
        "secrets: [s]}}\nsecrets: {s: {file: settings}}",
        "configs: [s]}}\nconfigs: {s: {file: settings}}",
    ],
)
def test_a_file_that_its_user_cannot_read(tmp_path: Path, use: str, user: str, mode: int, complains: bool) -> None:
    (tmp_path / "settings").write_text("x")
    (tmp_path / "settings").chmod(mode)
    found = advice(tmp_path, dev=f"services: {{a: {{image: 'x:1', {user}, {use}")
    assert [code for code, _ in found] == (["EV318"] if complains else [])
    assert all("(mode 0600)" in message for _, message in found)


def test_its_owner_may_read_it(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("x")
    (tmp_path / "settings").chmod(0o600)
    owner = (tmp_path / "settings").stat().st_uid or 0
    text = f"services: {{a: {{image: 'x:1', user: '{owner}', volumes: ['./settings:/s']}}}}"
    assert codes(tmp_path, dev=text) == []


def test_own_secrets_of_a_read_only_service_work_on_a_local_engine_alone(tmp_path: Path) -> None:
    text = "services: {a: {image: 'x:1', read_only: true, secrets: [s]}}\nsecrets: {s: {source: generate}}"
    environment = environments.load(tmp_path, dev=text)
    assert list(unwritable_grants(environment)) == []
    assert [(one.code, one.severity) for one in unwritable_grants(environment, remote=True)] == [
        ("EV319", Severity.ERROR)
    ]


@pytest.mark.parametrize(
    ("content", "refused"), [("content: hi", True), ("environment: HI", True), ("file: ./dev", False)]
)
def test_a_config_without_a_file_cannot_be_written_where_all_is_read_only(
    tmp_path: Path, content: str, refused: bool
) -> None:
    (tmp_path / "dev").touch()
    (tmp_path / ".env").write_text("HI=hi\n")
    text = f"services: {{a: {{image: 'x:1', read_only: true, configs: [c]}}}}\nconfigs: {{c: {{{content}}}}}"
    assert codes(tmp_path, dev=text) == (["EV319"] if refused else [])


def test_an_endless_chain_of_dependencies_is_no_recursion(tmp_path: Path) -> None:
    chain = "".join(f"  s{n}: {{image: 'x:1', depends_on: [s{n + 1}]}}\n" for n in range(3000))
    assert codes(tmp_path, dev=f"services:\n{chain}  s3000: {{image: 'x:1'}}\n") == []
