"""Reproducing a small production: external network and volume, secrets, replicas, limits, other hosts."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stacks import Checkout, await_true, docker

PASSWORD = "hunter2-of-production"
PROD = """
description: What customers use
protected: true
variables:
  log_level: {{type: enum, values: [debug, info], default: info, env: LOG_LEVEL}}
services:
  db:
    image: busybox:1.37
    init: true
    container_name: {name}-db
    command: [sh, -c, "cat /data/rows 2>/dev/null; sleep infinity"]
    environment: {{DB_PASSWORD: {password}}}
    volumes: ["data:/data", "shared:/shared"]
    networks: [back]
    mem_limit: 64m
    restart: unless-stopped
    stop_grace_period: 1s
    healthcheck: {{test: "true", interval: 5s, start_interval: 200ms, start_period: 5s}}
    sanitize: {{command: {sanitize}}}
  api:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    user: "1000:1000"
    environment:
      LOG_LEVEL: "${{log_level}}"
      DATABASE_URL: postgres://app:{password}@{name}-db:5432/shop
      PAYMENTS_URL: https://api.pay.example.com/v1
      SMTP_HOST: smtp.example.com
    networks: [back, partners]
    secrets: [token, tls_cert, tls_key]
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    depends_on: {{db: {{condition: service_healthy}}}}
    gpu: optional
    deploy: {{replicas: 2, resources: {{limits: {{cpus: "0.5", memory: 32M, pids: 20}}}}}}
  gateway:
    image: busybox:1.37
    init: true
    command: [sh, -c, "mkdir -p /tmp/w && echo hello >/tmp/w/index.html && exec httpd -f -p 8080 -h /tmp/w"]
    ports: [{{name: http, target: 8080, published: 80}}]
    networks: [front, back]
    depends_on: [api]
    logging: {{driver: syslog, options: {{syslog-address: "udp://logs.example.com:514"}}}}
    cpus: 512
  payments:
    profiles: [reproduce]
    image: busybox:1.37
    init: true
    command: [sh, -c, "mkdir -p /tmp/w && echo paid >/tmp/w/index.html && exec httpd -f -p 80 -h /tmp/w"]
networks:
  front: {{}}
  back: {{internal: true}}
  partners: {{external: true, name: {name}_partners}}
volumes:
  data: {{name: {name}_production, retain: protected}}
  shared: {{external: true, name: {name}_shared}}
secrets:
  token: {{source: env, variable: SHOP_TOKEN}}
  tls_cert: {{source: file, path: ./tls.crt}}
  tls_key: {{source: file, path: ./tls.key}}
reproduce:
  endpoints: {{api.pay.example.com: payments}}
"""
HOOKS = "snapshot: {command: cat /data/rows, restore: [sh, -c, 'cat >/data/rows']}, sanitize: {command: 'sed -i s/real/nobody/ /data/rows'}"
CLEAN = '[sh, -c, "sed -i s/real/nobody/ /data/rows"]'
DEV = "services: {db: {image: 'busybox:1.37', init: true, command: [sleep, infinity], volumes: ['data:/data']}}\nvolumes: {data: {}}\n"


@pytest.fixture
def shop(checkout: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """A locked production, with a network and a volume that exist outside of it."""
    checkout.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    docker("network", "create", f"{checkout.name}_partners")
    docker("volume", "create", f"{checkout.name}_shared")
    checkout.write(prod=production(checkout), dev=DEV)
    checkout.run("lock", "prod")
    yield checkout
    docker("rm", "--force", f"{checkout.name}-real", check=False)
    docker("network", "rm", f"{checkout.name}_partners", check=False)
    docker("volume", "rm", f"{checkout.name}_shared", f"{checkout.name}_production", check=False)


def production(checkout: Checkout, sanitize: str = CLEAN) -> str:
    return PROD.format(name=checkout.name, password=PASSWORD, sanitize=sanitize)


def report_of(checkout: Checkout, *options: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = checkout.run("reproduce", "prod", "--format", "json", *options)
    return {(one["subject"], one["attribute"]): one for one in done.json["findings"]}


def inspected(checkout: Checkout, service: str, number: int = 1, environment: str = "prod_copy") -> Any:
    [one] = json.loads(docker("inspect", f"{checkout.name}-{environment}-{service}-{number}"))
    return one


def statuses(report: dict[tuple[str, str], dict[str, Any]], subject: str) -> dict[str, str]:
    return {attribute: one["status"] for (who, attribute), one in report.items() if who == subject}


def test_what_runs_as_production_does_is_the_same_and_what_cannot_is_substituted_by_a_rule(shop: Checkout) -> None:
    report = report_of(shop)
    api = statuses(report, "service api")
    same = {"image", "replicas", "depends_on", "command", "user", "read_only", "cap_drop", "security_opt", "cpus",
            "mem_limit", "pids_limit", "environment.LOG_LEVEL", "environment.PAYMENTS_URL", "networks.back",
            "networks.partners", "volumes./run/secrets/token"}  # fmt: skip
    assert {name for name in same if api[name] != "same"} == set()
    assert api["environment.DATABASE_URL"] == "substituted"
    rules = {place: one["rule"] for place, one in report.items() if one["status"] == "substituted"}
    assert {
        ("service db", "environment.DB_PASSWORD"): "secrets",
        ("service db", "container_name"): "names",
        ("service gateway", "ports"): "ports",
        ("service gateway", "logging.driver"): "logging",
        ("service gateway", "cpus"): "processors",
        ("service api", "endpoints.api.pay.example.com"): "endpoints",
        ("service api", "endpoints.smtp.example.com"): "endpoints",
        ("network partners", "external"): "networks",
        ("network front", "internal"): "outgoing",
        ("volume shared", "external"): "volumes",
        ("volume data", "name"): "names",
        ("volume data", "content"): "volumes",
        ("secret token", "content"): "secrets",
        ("secret tls_cert", "content"): "certificates",
    }.items() <= rules.items()
    unknown = {place for place, one in report.items() if one["status"] == "unknown"}
    assert {attribute for _, attribute in unknown} == {"left to the engine", "definition"}
    assert all(one["why"] for one in report.values() if one["status"] != "same")


def test_the_copy_is_an_environment_like_any_other_and_shares_nothing_with_production(shop: Checkout) -> None:
    docker("run", "--detach", "--init", "--name", f"{shop.name}-real", "--volume", f"{shop.name}_production:/data",
           "--network", f"{shop.name}_partners", "busybox:1.37", "sh", "-c", "echo mine >/data/rows; sleep infinity")  # fmt: skip
    shop.run("reproduce", "prod")
    assert shop.run("--format", "json", "plan", "prod_copy").json["steps"] == []
    assert "up" in shop.run("status").out
    assert shop.sh("prod_copy", "db", "ls /data") == ""
    made = {one["Name"] for one in inspected(shop, "db")["Mounts"]}
    assert made == {f"{shop.name}-prod_copy_data", f"{shop.name}-prod_copy_shared"}
    assert set(inspected(shop, "api")["NetworkSettings"]["Networks"]) == {
        f"{shop.name}-prod_copy_back", f"{shop.name}-prod_copy_partners",
    }  # fmt: skip
    shop.run("snapshot", "create", "prod_copy", "--name", "mine")
    shop.run("down", "prod_copy", "--volumes", "--yes")
    assert docker("exec", f"{shop.name}-real", "cat", "/data/rows") == "mine"
    assert docker("volume", "inspect", "--format", "{{.Name}}", f"{shop.name}_shared") == f"{shop.name}_shared"
    assert not shop.containers("prod_copy")


def test_no_value_of_productions_reaches_the_copy(shop: Checkout, tmp_path: Path) -> None:
    (shop.root / "tls.crt").write_text("the-certificate-of-production")
    (shop.root / "tls.key").write_text("the-key-of-production")
    done = shop.run("reproduce", "prod", SHOP_TOKEN="the-token-of-production")
    forbidden = (PASSWORD, "the-token-of-production", "the-certificate-of-production", "the-key-of-production")
    texts = [done.out, done.err, json.dumps([inspected(shop, name) for name in ("db", "api", "gateway")])]
    texts += [path.read_text(errors="replace") for path in (tmp_path / "state").rglob("*") if path.is_file()]
    texts += [(shop.root / "blueprints" / "prod_copy.yaml").read_text()]
    texts += [path.read_text() for path in (shop.root / ".envman").rglob("*") if path.is_file()]
    assert [word for word in forbidden if any(word in text for text in texts)] == []
    # Both sides of a password still agree, and the certificate has its key.
    given = dict(one.split("=", 1) for one in inspected(shop, "db")["Config"]["Env"])
    url = dict(one.split("=", 1) for one in inspected(shop, "api")["Config"]["Env"])["DATABASE_URL"]
    assert url == f"postgres://app:{given['DB_PASSWORD']}@{shop.name}-db:5432/shop"
    assert given["DB_PASSWORD"] not in done.out
    assert "BEGIN CERTIFICATE" in shop.sh("prod_copy", "api", "cat /run/secrets/tls_cert")
    # Another run is the same copy.
    before = shop.container_ids("prod_copy")
    shop.run("reproduce", "prod")
    assert shop.container_ids("prod_copy") == before


def test_other_hosts_have_stand_ins_or_are_cut_off(shop: Checkout) -> None:
    done = shop.run("--format", "json", "reproduce", "prod")
    assert done.json["counts"]["unknown"] > 0
    assert shop.sh("prod_copy", "api", "wget -qO- http://api.pay.example.com/") == "paid"
    # No route leads out, so that it does not matter what a name resolves to.
    assert "default" not in shop.sh("prod_copy", "api", "ip route")
    port = inspected(shop, "gateway")["NetworkSettings"]["Ports"]["8080/tcp"]
    assert [one["HostIp"] for one in port] == ["127.0.0.1"]
    options = json.loads(docker("network", "inspect", f"{shop.name}-prod_copy_entry"))[0]["Options"]
    assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"
    assert docker("run", "--rm", "--network", "host", "busybox:1.37", "wget", "-qO-",
                  f"http://127.0.0.1:{port[0]['HostPort']}/") == "hello"  # fmt: skip


def test_what_somebody_changed_on_the_copy_is_never_the_same(shop: Checkout) -> None:
    shop.run("reproduce", "prod")
    name = f"{shop.name}-prod_copy"
    docker("update", "--memory", "96m", "--memory-swap", "-1", "--restart", "always", f"{name}-db-1")
    docker("update", "--cpus", "0.25", f"{name}-gateway-1")
    docker("update", "--pids-limit", "7", f"{name}-api-2")
    docker("network", "connect", f"{name}_front", f"{name}-db-1")
    docker("network", "disconnect", f"{name}_partners", f"{name}-api-1")
    report = report_of(shop, "--report")
    changed = {
        ("service db", "mem_limit"): ("64m", "96m"),
        ("service db", "restart"): ("unless-stopped", "always"),
        ("service db", "networks.front"): ("none", "attached"),
        # Within a substitution too: it is not what the copy's own blueprint says.
        ("service gateway", "cpus"): ("512", "0.25"),
        ("service api[2]", "pids_limit"): ("20", "7"),
        ("service api[1]", "networks.partners"): ("attached", "none"),
    }
    assert {place: (report[place]["production"], report[place]["copy"]) for place in changed} == changed
    assert {report[place]["status"] for place in changed} == {"unknown"}
    assert report["service api[1]", "pids_limit"]["status"] == "same"
    docker("rm", "--force", f"{name}-gateway-1", f"{name}-api-2")
    report = report_of(shop, "--report")
    assert statuses(report, "service gateway") == {"replicas": "unknown", "definition": "unknown"}
    assert report["service api", "replicas"]["status"] == "unknown"


def test_an_image_that_was_never_pushed_runs_by_its_id_and_comes_along_in_a_bundle(
    shop: Checkout, tmp_path: Path
) -> None:
    (shop.root / "Dockerfile").write_text(f"FROM busybox:1.37\nRUN echo {shop.name} >/made\n")
    built = "services: {api: {build: ., image: '" + shop.name + "-api:1', init: true, command: [sleep, infinity]}}\n"
    shop.write(prod=built)
    shop.run("lock", "prod")
    unbuilt = shop.run("reproduce", "prod", status=1)
    assert "the image of api was not built when prod was locked" in unbuilt.err
    assert "`envman build prod` builds it" in unbuilt.err
    shop.run("build", "prod")
    shop.run("lock", "prod")
    identity = docker("image", "inspect", "--format", "{{.Id}}", f"{shop.name}-api:1")
    report = report_of(shop)
    assert report["service api", "image"]["status"] == "same"
    assert inspected(shop, "api")["Image"] == identity
    bundle = tmp_path / "prod.bundle"
    shop.run("bundle", "prod", "--output", str(bundle))
    shop.run("down", "prod_copy")
    docker("rmi", "--force", identity)
    missing = shop.run("reproduce", "prod", status=1)
    assert "EV660" in missing.err
    again = report_of(shop, "--from", str(bundle), "--as", "carried")
    assert again["service api", "image"]["status"] == "same"
    assert shop.sh("carried", "api", "cat /made") == shop.name


def test_fit_scales_what_this_machine_cannot_hold(shop: Checkout) -> None:
    memory = int(docker("info", "--format", "{{.MemTotal}}"))
    large = memory // 3 // 1024**2
    shop.write(
        prod=f"services: {{api: {{image: 'busybox:1.37', init: true, command: [sleep, infinity], deploy: {{replicas: 4, "
        f"resources: {{limits: {{memory: {large}M}}}}}}}}}}\n"
    )
    shop.run("lock", "prod")
    report = report_of(shop, "--fit")
    found = report["service api", "replicas"]
    assert (found["production"], found["copy"], found["rule"]) == ("4", "2", "fit")
    assert len(shop.containers("prod_copy")) == 2
    assert report["service api", "mem_limit"]["status"] == "same"


# --- data


@pytest.fixture
def data(shop: Checkout) -> Checkout:
    """A snapshot of another environment, with something in it that must not leave production."""
    shop.run("up", "dev")
    shop.sh("dev", "db", "echo real customer >/data/rows")
    shop.run("snapshot", "create", "dev", "--name", "first")
    shop.run("down", "dev", "--volumes", "--yes", "--no-snapshot")
    return shop


def test_data_is_cleaned_before_any_service_sees_it(data: Checkout) -> None:
    report = report_of(data, "--with-data", "dev/first")
    assert data.sh("prod_copy", "db", "cat /data/rows") == "nobody customer"
    # What the service itself printed of it when it started.
    assert docker("logs", f"{data.name}-prod_copy-db-1") == "nobody customer"
    assert report["volume data", "content"]["copy"] == "snapshot first of dev, cleaned by db"
    later = report_of(data, "--report")
    assert later["volume data", "content"]["copy"] == "snapshot first of dev, cleaned by db"
    # Again, over data of the copy's own: a snapshot of it is taken first.
    data.sh("prod_copy", "db", "echo own >/data/rows")
    data.run("reproduce", "prod", "--with-data", "dev/first")
    assert data.sh("prod_copy", "db", "cat /data/rows") == "nobody customer"
    kept = data.run("--format", "json", "snapshot", "list", "prod_copy").json
    assert [one["name"].startswith("before-restore-") for one in kept] == [True]


def test_a_hook_that_fails_leaves_no_data_and_starts_nothing(data: Checkout) -> None:
    data.write(prod=production(data, '[sh, -c, "echo it was me; exit 3"]'))
    data.run("lock", "prod")
    done = data.run("reproduce", "prod", "--with-data", "dev/first", status=1)
    assert "error[EV664]: the sanitize hook of db ended with 3" in done.err
    assert "it was me" in done.err
    assert data.containers("prod_copy") == []
    assert f"{data.name}-prod_copy_data" not in data.volumes("prod_copy")
    # Without data it comes up.
    data.run("reproduce", "prod")
    assert data.sh("prod_copy", "db", "ls /data") == ""


def test_a_reproduce_that_was_killed_while_data_was_cleaned_can_be_repeated(data: Checkout) -> None:
    data.write(
        prod=production(data, '[sh, -c, "test -e /shared/go || sleep infinity; sed -i s/real/nobody/ /data/rows"]')
    )
    data.run("lock", "prod")
    process = data.start("reproduce", "prod", "--with-data", "dev/first")
    await_true(lambda: bool(data.containers("prod_copy", "label=com.docker.compose.oneoff=True", everything=False)))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    refused = data.run("up", "prod_copy", status=1)
    assert "EV665" in refused.err
    assert "EV665" in data.run("snapshot", "create", "prod_copy", status=1).err
    data.write(prod=production(data))
    data.run("lock", "prod")
    data.run("reproduce", "prod", "--with-data", "dev/first")
    assert data.sh("prod_copy", "db", "cat /data/rows") == "nobody customer"
    assert docker("logs", f"{data.name}-prod_copy-db-1") == "nobody customer"
    assert not data.containers("prod_copy", "label=com.docker.compose.oneoff=True")


def test_what_a_snapshot_hook_wrote_is_read_back_by_its_service_alone_and_cleaned_too(shop: Checkout) -> None:
    hooked = DEV.replace("volumes: ['data:/data']", "volumes: ['data:/data'], " + HOOKS)
    shop.write(dev=hooked)
    shop.run("up", "dev")
    shop.sh("dev", "db", "echo real customer >/data/rows")
    shop.run("snapshot", "create", "dev", "--name", "dumped")
    other = "  api: {image: 'busybox:1.37', init: true, command: [sh, -c, 'cat /data/rows; sleep infinity'], volumes: ['data:/data']}\n"
    both = hooked.replace("services: {db: ", "services:\n  db: ").replace("}}\nvolumes", "}\n" + other + "volumes")
    shop.write(prod=both)
    shop.run("lock", "prod")
    report = report_of(shop, "--with-data", "dev/dumped")
    assert docker("logs", f"{shop.name}-prod_copy-api-1") == "nobody customer"
    assert report["volume data", "content"]["copy"] == "snapshot dumped of dev, cleaned by db"


def test_data_without_a_hook_is_used_with_a_warning(data: Checkout) -> None:
    data.write(prod=DEV)
    data.run("lock", "prod")
    done = data.run("reproduce", "prod", "--with-data", "dev/first")
    assert "warning[EV667]" in done.err
    assert "not cleaned: no service has a `sanitize:` hook" in done.out
    assert data.sh("prod_copy", "db", "cat /data/rows") == "real customer"


# --- what is refused


def test_a_blueprint_that_is_no_copy_is_never_written_over(shop: Checkout) -> None:
    done = shop.run("reproduce", "prod", "--as", "dev", status=1)
    assert "error[EV663]: blueprints/dev.yaml is not a copy" in done.err
    shop.write(former=DEV).run("up", "former")
    shop.sh("former", "db", "echo precious >/data/rows")
    (shop.root / "blueprints" / "former.yaml").unlink()
    done = shop.run("reproduce", "prod", "--as", "former", status=1)
    assert f"{shop.name}-former_data" in done.err
    assert "EV663" in done.err
    assert shop.sh("former", "db", "cat /data/rows") == "precious"
    shop.run("reproduce", "prod")
    path = shop.root / "blueprints" / "prod_copy.yaml"
    path.write_text(path.read_text().replace('LOG_LEVEL: "info"', 'LOG_LEVEL: "debug"'))
    assert "EV663" in shop.run("reproduce", "prod", status=1).err


def test_a_blueprint_that_parted_from_its_lock_is_not_reproduced(shop: Checkout) -> None:
    shop.write(prod=production(shop).replace("64m", "65m"))
    assert "EV534" in shop.run("reproduce", "prod", status=1).err
    assert "EV666" in shop.run("reproduce", "prod", "--from", "nowhere", status=1).err
    assert "EV532" in shop.run("reproduce", "dev", status=1).err
    assert not (shop.root / "blueprints" / "prod_copy.yaml").exists()


def test_variables_are_as_locked_whatever_this_machine_says(shop: Checkout) -> None:
    report = report_of(shop)
    (shop.root / ".env.prod_copy").write_text("LOG_LEVEL=debug\n")
    again = shop.run("--format", "json", "reproduce", "prod", LOG_LEVEL="debug")
    assert report["service api", "environment.LOG_LEVEL"]["status"] == "same"
    assert dict(one.split("=", 1) for one in inspected(shop, "api")["Config"]["Env"])["LOG_LEVEL"] == "info"
    assert again.json["counts"]["same"] > 0


def test_markdown_and_a_killed_reproduce_repeated(shop: Checkout) -> None:
    process = shop.start("reproduce", "prod")
    await_true(lambda: bool(shop.containers("prod_copy")))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    text = shop.run("reproduce", "prod", "--format", "markdown").out
    assert text.startswith("# prod\\_copy, a copy of prod\n")
    assert "## Substituted" in text
    assert "| service gateway | ports | 0.0.0.0:80-\\>8080/tcp | 127.0.0.1:" in text
