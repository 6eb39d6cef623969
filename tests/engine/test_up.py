from __future__ import annotations

import re
import urllib.request
from pathlib import Path

import pytest
from stacks import SLEEPER, Checkout, docker

WEB = """
variables: {port: {type: port, default: auto}}
services:
  db:
    image: busybox:1.37
    init: true
    command: [sh, -c, "sleep 1; touch /tmp/ready; exec sleep infinity"]
    healthcheck: {test: [CMD, test, -f, /tmp/ready], interval: 5s, start_period: 20s, start_interval: 100ms}
  migrate:
    image: busybox:1.37
    command: [sh, -c, "echo migrated > /data/index.html"]
    volumes: ["data:/data"]
    depends_on: {db: {condition: service_healthy}}
  web:
    image: busybox:1.37
    init: true
    command: [httpd, -f, -p, "8080", -h, /data]
    volumes: ["data:/data"]
    ports: [{name: http, target: 8080, published: "${port}", host_ip: 127.0.0.1}]
    depends_on: {migrate: {condition: service_completed_successfully}}
  job: {image: busybox:1.37, profiles: [jobs], command: [sh, -c, "echo worked; exit 7"]}
volumes: {data: null}
"""


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_up_waits_for_health_and_one_shots_and_prints_urls(checkout: Checkout) -> None:
    done = checkout.write(dev=WEB).run("up", "dev")
    url = re.search(r"web http  (http://127\.0\.0\.1:2\d{4})\n", done.out)
    assert url is not None, done.out
    assert fetch(url[1]) == "migrated\n"
    assert re.search(r"✓ db healthy", done.err)
    assert re.search(r"✓ migrate completed", done.err)
    assert checkout.containers("dev", everything=False) == [
        f"{checkout.name}-dev-web-1",
        f"{checkout.name}-dev-db-1",
    ]
    assert not any("job" in name for name in checkout.containers("dev")), "up starts no job that nothing waits for"


def test_a_second_up_has_nothing_to_do_and_touches_nothing(checkout: Checkout) -> None:
    checkout.write(dev=WEB).run("up", "dev")
    before = checkout.container_ids("dev")
    assert checkout.run("plan", "dev").out == "dev is as it should be: nothing to do\n"
    assert checkout.run("up", "dev").out.startswith("dev is up, nothing to do\n")
    assert checkout.container_ids("dev") == before


def test_only_what_changed_is_recreated(checkout: Checkout) -> None:
    text = f"services:\n  one: {SLEEPER}\n  two: {SLEEPER}\n"
    checkout.write(dev=text).run("up", "dev")
    ids = {name: docker("inspect", "--format", "{{.Id}}", name) for name in checkout.containers("dev")}
    checkout.write(dev=text.replace("two: {", "two: {environment: {A: b}, "))
    assert checkout.run("plan", "dev", "--exit-code", status=5).out == (
        "~ two recreate: environment.A unset -> b (blueprints/dev.yaml:3:26)\n"
    )
    checkout.run("up", "dev")
    after = {name: docker("inspect", "--format", "{{.Id}}", name) for name in checkout.containers("dev")}
    one, two = f"{checkout.name}-dev-one-1", f"{checkout.name}-dev-two-1"
    assert after[one] == ids[one]
    assert after[two] != ids[two]


def test_a_service_that_is_gone_from_the_blueprint_is_removed(checkout: Checkout) -> None:
    checkout.write(dev=f"services:\n  one: {SLEEPER}\n  two: {SLEEPER}\n").run("up", "dev")
    checkout.write(dev=f"services:\n  one: {SLEEPER}\n")
    assert "- two remove" in checkout.run("plan", "dev").out
    checkout.run("up", "dev")
    assert checkout.containers("dev") == [f"{checkout.name}-dev-one-1"]


def test_data_survives_down_and_a_label_never_changes(checkout: Checkout) -> None:
    text = f"services: {{db: {SLEEPER[:-1]}, volumes: ['data:/data']}}}}\nvolumes: {{data: null}}\n"
    checkout.write(dev=text).run("up", "dev")
    checkout.sh("dev", "db", "echo precious > /data/file")
    volume = checkout.volumes("dev")
    labels = docker("volume", "inspect", "--format", "{{json .Labels}}", *volume)
    done = checkout.run("down", "dev")
    assert done.out == f"dev is down; its data is kept: {checkout.name}-dev_data\n"
    assert checkout.containers("dev") == []
    checkout.write(dev=text.replace("infinity]", "infinity], environment: {A: b}"))
    checkout.run("up", "dev")
    assert checkout.sh("dev", "db", "cat /data/file") == "precious"
    assert docker("volume", "inspect", "--format", "{{json .Labels}}", *volume) == labels


def test_replicas_run_and_scaling_keeps_the_containers_that_are_there(checkout: Checkout) -> None:
    text = f"variables: {{n: {{type: int, default: 2}}}}\nservices:\n  api: {SLEEPER[:-1]}, deploy: {{replicas: '${{n}}'}}}}\n"
    checkout.write(dev=text).run("up", "dev")
    before = checkout.container_ids("dev")
    assert len(before) == 2
    checkout.run("up", "dev", "--set", "n=3")
    after = checkout.container_ids("dev")
    assert len(after) == 3
    assert before < after


def test_all_environments_can_be_up_at_once_on_networks_of_their_own(checkout: Checkout) -> None:
    base = f"abstract: true\nservices:\n  api: {SLEEPER}\n  peer: {SLEEPER}\n"
    names = ["local", "dev", "staging", "prod"]
    checkout.write(base=base, **dict.fromkeys(names, "extends: base\n"))
    for name in names:
        checkout.run("up", name)
    rows = {row["environment"]: row["state"] for row in checkout.run("--format", "json", "status").json}
    assert rows == dict.fromkeys(names, "up")
    assert checkout.sh("dev", "api", "ping -c 1 -W 5 peer >/dev/null && echo yes") == "yes"
    peer = docker(
        "inspect",
        "--format",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        f"{checkout.name}-prod-peer-1",
    )
    assert checkout.sh("dev", "api", f"ping -c 1 -W 1 {peer} >/dev/null && echo yes || echo no") == "no"


def test_a_secret_is_a_readable_file_and_stands_nowhere_else(checkout: Checkout) -> None:
    checkout.write(
        dev=f"""
        services:
          api: {SLEEPER[:-1]}, user: "10001:10001", read_only: true, cap_drop: [ALL], secrets: [token]}}
        secrets: {{token: {{source: generate}}}}
        """
    ).run("up", "dev")
    value = checkout.sh("dev", "api", "cat /run/secrets/token")
    assert len(value) == 32
    assert value == checkout.run("secrets", "show", "dev", "token").out.strip()
    files = [path.read_text() for path in (checkout.root / ".envman").rglob("*") if path.is_file()]
    assert not any(value in text for text in files)
    assert value not in docker("inspect", f"{checkout.name}-dev-api-1")
    checkout.run("down", "dev")
    checkout.run("up", "dev")
    assert checkout.sh("dev", "api", "cat /run/secrets/token") == value, "made once"


def test_a_changed_secret_recreates_what_uses_it(checkout: Checkout) -> None:
    checkout.write(
        dev=f"""
        services:
          api: {SLEEPER[:-1]}, secrets: [token]}}
          other: {SLEEPER}
        secrets: {{token: {{source: env, variable: TOKEN}}}}
        """
    ).run("up", "dev", TOKEN="one")
    checkout.run("up", "dev", TOKEN="two")
    assert checkout.sh("dev", "api", "cat /run/secrets/token") == "two"
    assert checkout.run("up", "dev", TOKEN="two").out.startswith("dev is up, nothing to do")


def test_a_secret_handed_over_as_a_variable_reaches_only_the_container(checkout: Checkout) -> None:
    checkout.write(
        dev=f"services: {{api: {SLEEPER[:-1]}, environment: {{PGPASSWORD: {{secret: db}}}}}}}}\nsecrets: {{db: {{source: generate}}}}\n"
    )
    done = checkout.run("up", "dev")
    assert "EV309" in done.err
    value = checkout.run("secrets", "show", "dev", "db").out.strip()
    assert checkout.sh("dev", "api", "echo $PGPASSWORD") == value
    assert value not in (checkout.root / ".envman/dev/docker-compose.yml").read_text()
    assert value not in done.out + done.err


def test_a_folder_may_have_any_name_that_a_compose_file_can_say(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose makes a URL of the folder that it is started in, and cannot start in such a one."""
    odd = tmp_path / "100%b$x \x1b\n\"'\\"
    (odd / "data").mkdir(parents=True)
    (odd / "some.env").write_text("GIVEN=here\n")
    monkeypatch.chdir(odd)
    text = f"services: {{a: {SLEEPER[:-1]}, env_file: some.env, volumes: ['./data:/data'], secrets: [s]}}}}\n"
    there = Checkout(odd, checkout.name).write(dev=text + "secrets: {s: {source: generate}}\n")
    there.run("up", "dev")
    there.run("exec", "dev", "a", "sh", "-c", "test $GIVEN = here && touch /data/done && test -s /run/secrets/s")
    assert (odd / "data/done").exists()
    there.run("down", "dev")


def test_profiles_are_active_when_asked_for(checkout: Checkout) -> None:
    checkout.write(dev=f"services:\n  api: {SLEEPER}\n  debug: {SLEEPER[:-1]}, profiles: [tools]}}\n")
    checkout.run("up", "dev")
    assert checkout.containers("dev") == [f"{checkout.name}-dev-api-1"]
    checkout.run("up", "dev", "--profile", "tools")
    assert len(checkout.containers("dev")) == 2


def test_a_service_named_on_purpose_comes_up_with_what_it_needs(checkout: Checkout) -> None:
    checkout.write(dev=f"services:\n  db: {SLEEPER}\n  api: {SLEEPER[:-1]}, depends_on: [db]}}\n  web: {SLEEPER}\n")
    checkout.run("up", "dev", "api")
    assert sorted(checkout.containers("dev")) == [f"{checkout.name}-dev-api-1", f"{checkout.name}-dev-db-1"]


def test_the_render_is_flat_and_plain_compose_agrees_with_it(checkout: Checkout) -> None:
    checkout.write(dev=WEB).run("up", "dev")
    file = checkout.root / ".envman/dev/docker-compose.yml"
    command = next(line for line in file.read_text().splitlines() if line.startswith("#   docker compose"))
    before = checkout.container_ids("dev")
    docker(*command.removeprefix("#   docker ").split(), "--no-build")
    assert checkout.container_ids("dev") == before, "the header's own command finds everything as it should be"


def test_a_shell_full_of_compose_variables_changes_nothing(checkout: Checkout) -> None:
    checkout.write(dev=f"services:\n  api: {SLEEPER}\n  debug: {SLEEPER[:-1]}, profiles: [tools]}}\n")
    (checkout.root / ".env").write_text("COMPOSE_PROJECT_NAME=hijacked\n")
    checkout.run("up", "dev", COMPOSE_PROFILES="tools", COMPOSE_PROJECT_NAME="other", COMPOSE_FILE="/nonexistent")
    assert checkout.containers("dev") == [f"{checkout.name}-dev-api-1"]


def test_two_renders_are_the_same_bytes(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=WEB)
    checkout.run("render", "dev", "--output", str(tmp_path / "one"))
    checkout.run("render", "dev", "--output", str(tmp_path / "two"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_people_type_who_know_compose(checkout: Checkout) -> None:
    slow = "healthcheck: {test: [CMD, 'true'], interval: 60s, start_period: 1s}"
    text = f"""
services:
  db: {SLEEPER}
  api: {SLEEPER[:-1]}, depends_on: [db], {slow}}}
"""
    checkout.write(dev=text)
    started = checkout.run("up", "dev", "--detach", "--no-wait", "--remove-orphans")
    assert started.out.startswith("dev is started, its health was not waited for (")
    checkout.run("up", "dev", "-d", "--wait", "--wait-timeout", "100")
    before = dict(zip(("api", "db"), checkout.containers("dev"), strict=True))
    ids = {name: docker("inspect", "--format", "{{.Id}}", one) for name, one in before.items()}
    planned = checkout.run("plan", "dev", "api", "--force-recreate", "--no-deps")
    assert planned.out == "~ api recreate: asked for with --recreate\n"
    checkout.run("up", "dev", "api", "--force-recreate", "--no-deps")
    after = {name: docker("inspect", "--format", "{{.Id}}", one) for name, one in before.items()}
    assert (after["db"], after["api"] != ids["api"]) == (ids["db"], True)
    assert checkout.run("ps", "-q", "dev", "db").out.strip() == ids["db"].strip()
    planned = checkout.run("-H", "unix:///nowhere.sock", "plan", "dev", status=3)
    assert "EV401" in planned.err


def test_no_deps_leaves_out_what_a_service_waits_for(checkout: Checkout) -> None:
    checkout.write(dev=f"services: {{db: {SLEEPER}, api: {SLEEPER[:-1]}, depends_on: [db]}}}}")
    checkout.run("up", "dev", "api", "--no-deps")
    assert checkout.containers("dev") == [f"{checkout.name}-dev-api-1"]


def test_a_service_comes_up_with_what_it_needs_and_is_judged_without_the_others(checkout: Checkout) -> None:
    server = SLEEPER[:-1]
    checkout.write(
        dev=f"""\
services:
  one: {server}, ports: ["22301:80"]}}
  two: {server}, ports: ["22301:80"]}}
  net: {server}, profiles: [extra]}}
  inside: {server}, profiles: [other], network_mode: "service:net"}}
"""
    )
    assert "EV302" in checkout.run("up", "dev", status=1).err
    checkout.run("up", "dev", "one", "inside")
    running = set(checkout.run("ps", "dev").out.split())
    assert {"one", "net", "inside"} <= running
    assert "two" not in running
