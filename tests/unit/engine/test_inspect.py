"""What is read for a capture, and what is refused, with an engine that answers from a table."""

from __future__ import annotations

from typing import Any, cast

import pytest
from described import container, of_compose

from envman.diagnostics import EnvmanError
from envman.engine.connection import Engine
from envman.engine.endpoint import Endpoint
from envman.engine.inspect import read_running, stacks_on
from envman.engine.wire import Question

INFO = {"Name": "host", "Swarm": {"LocalNodeState": "inactive"}}
MANAGER = {"Name": "host", "Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}


class Table:
    """An engine that knows containers and Swarm services, and nothing else."""

    def __init__(self, *containers: dict[str, Any], services: tuple[dict[str, Any], ...] = ()) -> None:
        self.containers = {one["Name"].lstrip("/"): one for one in containers}
        self.containers |= {one["Id"]: one for one in containers}
        self.services = services
        self.endpoint = Endpoint("unix:///engine", None, "DOCKER_HOST")
        self.asked: list[str] = []

    def ask(self, *questions: Question) -> list[Any]:
        return [self.answer(one) for one in questions]

    def answer(self, question: Question) -> Any:
        self.asked.append(question.path)
        parts = question.path.strip("/").split("/")
        wanted = str((question.parameters.get("filters") or {}).get("label", ""))
        if question.path == "/info":
            return MANAGER if self.services else INFO
        if question.path == "/containers/json":
            return [
                {"Id": one["Id"], "Names": [one["Name"]], "Labels": one["Config"]["Labels"]}
                for one in {each["Id"]: each for each in self.containers.values()}.values()
                if not wanted or wanted in {f"{key}={value}" for key, value in one["Config"]["Labels"].items()}
            ]
        if parts[0] == "services" and len(parts) == 1:
            return [one for one in self.services
                    if not wanted or wanted in {f"{k}={v}" for k, v in one["Spec"]["Labels"].items()}]  # fmt: skip
        if parts[0] == "services":
            return next((one for one in self.services if parts[1] in {one["ID"], one["Spec"]["Name"]}), None)
        if parts[0] == "containers" and parts[2] == "json":
            return self.containers.get(parts[1])
        return None


def read(table: Table, project: str | None = None, *names: str) -> Any:
    return read_running(cast("Engine", table), project, names)


def refused(table: Table, project: str | None = None, *names: str) -> Any:
    with pytest.raises(EnvmanError) as error:
        read(table, project, *names)
    [found] = error.value.diagnostics
    return found


WEB = container("shop-web-1", labels=of_compose("shop", "web"))
ONCE = container("shop-web-run-1", labels=of_compose("shop", "web", oneoff="True"))
BLOG = container("blog-web-1", labels=of_compose("blog", "web"))
PLAIN = container("cache")
TASK = container("shop_api.1.x", labels={"com.docker.swarm.service.id": "s1"})
SERVICE = {
    "ID": "s1",
    "Spec": {"Name": "shop_api", "Labels": {"com.docker.stack.namespace": "shop"},
             "TaskTemplate": {"ContainerSpec": {"Image": "app:1"}}},
}  # fmt: skip


def test_a_project_is_its_containers_but_for_those_of_run() -> None:
    found = read(Table(WEB, ONCE, BLOG), "shop")

    assert [one["Name"] for one in found.containers] == ["/shop-web-1"]
    assert found.name == "shop"


def test_the_only_stack_need_not_be_named() -> None:
    assert read(Table(WEB, PLAIN)).name == "shop"


def test_of_several_stacks_one_must_be_named() -> None:
    found = refused(Table(WEB, BLOG, PLAIN))

    assert (found.code, found.expected) == ("EV820", "projects blog, shop; containers cache")


def test_where_nothing_runs_that_is_said() -> None:
    found = refused(Table())

    assert (found.code, found.message, found.expected) == ("EV820", "there is no stack to capture", "no container")


def test_a_project_that_is_not_there() -> None:
    found = refused(Table(WEB), "shpo")

    assert (found.code, found.expected) == ("EV821", 'did you mean "shop"?')


def test_a_container_that_is_not_there() -> None:
    found = refused(Table(PLAIN), None, "cahce")

    assert (found.code, found.expected) == ("EV821", 'did you mean "cache"?')


def test_a_stack_is_its_services_and_a_task_leads_to_its_own() -> None:
    table = Table(TASK, services=(SERVICE,))

    assert [one["ID"] for one in read(table, "shop").services] == ["s1"]
    assert [one["ID"] for one in read(table, None, "shop_api.1.x").services] == ["s1"]
    assert [one["ID"] for one in read(table, None, "shop_api").services] == ["s1"]
    assert stacks_on(cast("Engine", table)) == ((), ("shop",), ())
