"""Containers of a service are replaced a few at a time, and the others serve meanwhile."""

from __future__ import annotations

import http.client
import time
from functools import partial

import pytest
from load import asked_all_the_while
from stacks import Checkout, docker

# The gateway asks Docker's DNS anew, as one in front of replicas must, and tries another one where the first is gone.
GATEWAY = """\
events {}
http {
  access_log off;
  resolver 127.0.0.11 valid=1s ipv6=off;
  server {
    listen 8080;
    location / {
      set $api http://api:8000;
      proxy_pass $api;
      proxy_connect_timeout 1s;
      proxy_next_upstream error timeout http_502 http_503 non_idempotent;
      proxy_next_upstream_tries 3;
    }
  }
}
"""
STACK = """
services:
  gateway:
    image: nginx:1.28
    entrypoint: [nginx, -g, "daemon off;"]
    ports: [{{name: http, target: 8080, published: auto, host_ip: 127.0.0.1}}]
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
    depends_on: {{api: {{condition: service_healthy}}}}
    stop_grace_period: 1s
  api:
    image: nginx:1.28
    entrypoint:
      - sh
      - -c
      - |
        {start}
        echo "pid /tmp/pid; events {{}} http {{ server {{ listen 8000; return 200 {version}; }} }}" > /tmp/conf
        exec nginx -c /tmp/conf -g "daemon off;"
    environment: {{VERSION: "{version}"}}
    healthcheck: {{test: [CMD, test, -s, /tmp/pid], interval: 5s, start_period: 10s, start_interval: 100ms}}
    deploy: {{replicas: {replicas}, update_config: {{parallelism: 1, {policy}}}}}
"""


def blueprint(version: str, *, policy: str = "order: start-first", start: str = "", replicas: int = 2) -> str:
    return STACK.format(version=version, policy=policy, start=start, replicas=replicas)


@pytest.fixture
def stack(checkout: Checkout) -> Checkout:
    checkout.write(dev=blueprint("1"))
    (checkout.root / "nginx.conf").write_text(GATEWAY)
    return checkout


def port(stack: Checkout) -> int:
    return int(docker("port", f"{stack.name}-dev-gateway-1", "8080").rpartition(":")[2])


def ask(number: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=10)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    finally:
        connection.close()


def images_of(stack: Checkout) -> list[str]:
    names = [name for name in stack.containers("dev", everything=True) if "-api-" in name]
    return sorted(
        docker("inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", name).split("VERSION=")[1].split()[0]
        + (" up" if docker("inspect", "--format", "{{.State.Running}}", name) == "true" else " down")
        for name in names
    )


@pytest.mark.parametrize("policy", ["order: start-first, delay: 2s", "order: stop-first, delay: 2s"])
def test_no_request_fails_while_every_container_is_replaced(stack: Checkout, policy: str) -> None:
    stack.write(dev=blueprint("1", policy=policy)).run("up", "dev")
    before = stack.container_ids("dev")
    stack.write(dev=blueprint("2", policy=policy))
    words = "new ones first" if "start-first" in policy else "old ones stop first"
    assert f"[1 of 2 at a time, {words}]" in stack.run("plan", "dev").out

    with asked_all_the_while(partial(ask, port(stack))) as answers:
        done = stack.run("up", "dev")
        until = time.monotonic() + 10
        while answers[-1:] != [(200, "2")]:
            assert time.monotonic() < until
            time.sleep(0.05)

    assert [one for one in answers if one[0] != 200] == []
    assert {text for _, text in answers} == {"1", "2"}
    assert len(answers) > 50
    assert "api: 2 of 2 replaced" in done.err
    assert images_of(stack) == ["2 up", "2 up"]
    assert len(before & stack.container_ids("dev")) == 1, "the gateway stays"
    assert stack.run("plan", "dev").out == "dev is as it should be: nothing to do\n"


def test_a_new_container_that_is_unhealthy_costs_nothing(stack: Checkout) -> None:
    stack.run("up", "dev")
    before = stack.container_ids("dev")
    stack.write(dev=blueprint("2", start="exit 3;"))

    with asked_all_the_while(partial(ask, port(stack))) as answers:
        done = stack.run("up", "dev", status=1)

    assert "error[EV603]: api exited with status 3" in done.err
    assert "error[EV635]: api is not replaced: 2 containers of it run, 2 of them as before" in done.err
    assert set(answers) == {(200, "1")}
    assert stack.container_ids("dev") == before


def test_what_had_stopped_for_a_bad_one_runs_again(stack: Checkout) -> None:
    stack.write(dev=blueprint("1", policy="order: stop-first")).run("up", "dev")
    before = stack.container_ids("dev")
    stack.write(dev=blueprint("2", policy="order: stop-first", start="exit 3;")).run("up", "dev", status=1)

    assert stack.container_ids("dev") == before
    assert images_of(stack) == ["1 up", "1 up"]


def test_rollback_brings_all_old_ones_back(stack: Checkout) -> None:
    policy = "order: stop-first, failure_action: rollback"
    # The first new container leaves a mark on the volume that stops the second.
    bad = "test -e /mark/it && exit 3; touch /mark/it;"
    mark = '    volumes: ["mark:/mark"]\nvolumes: {mark: null}\n'
    stack.write(dev=blueprint("1", policy=policy) + mark).run("up", "dev")
    before = stack.container_ids("dev")
    done = stack.write(dev=blueprint("2", policy=policy, start=bad) + mark).run("up", "dev", status=1)

    assert "api: 1 of 2 replaced" in done.err
    assert "2 containers of it run, 2 of them as before" in done.err
    assert stack.container_ids("dev") == before
    assert images_of(stack) == ["1 up", "1 up"]


def test_more_and_fewer_replicas_on_the_way(stack: Checkout) -> None:
    stack.run("up", "dev")
    stack.write(dev=blueprint("2", replicas=3)).run("up", "dev")
    assert images_of(stack) == ["2 up"] * 3
    stack.write(dev=blueprint("3", replicas=1)).run("up", "dev")
    assert images_of(stack) == ["3 up"]
    stack.run("up", "dev", "--recreate")
    assert images_of(stack) == ["3 up"]


def test_a_service_with_an_anonymous_volume_is_left_to_compose_which_carries_it_over(stack: Checkout) -> None:
    mount = "    volumes: [/data]\n"
    stack.write(dev=blueprint("1") + mount).run("up", "dev")
    stack.sh("dev", "api", "echo kept > /data/it")
    stack.write(dev=blueprint("2") + mount).run("up", "dev")
    assert stack.sh("dev", "api", "cat /data/it") == "kept"
