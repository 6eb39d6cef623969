"""Stacks and what happens to them, from a seed: for tests that ask whether a plan is what happens."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from stacks import docker

_SLEEPER: dict[str, Any] = {
    "image": "busybox:1.37",
    "init": True,
    "command": ["sleep", "infinity"],
    "stop_grace_period": "1s",
}
_HEALTHY = {"test": ["CMD", "true"], "interval": "1s", "start_period": "5s", "start_interval": "100ms"}
_IMAGES = ("busybox:1.37", "nginx:1.28")


def _is_one_shot(service: dict[str, Any]) -> bool:
    return bool(service["command"][0] == "true")


@dataclass
class Generated:
    """A blueprint that changes, and containers to which things happen; ``log`` says what was done."""

    random: random.Random
    project: str
    data: dict[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    _names: int = 0
    _values: int = 0

    def __post_init__(self) -> None:
        self.data = {
            "profiles": [],
            "services": {},
            "networks": {"default": {}, "back": {}},
            "volumes": {"one": {}, "two": {}},
        }
        for _ in range(self.random.randint(3, 5)):
            self.add_service()

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        services: dict[str, dict[str, Any]] = self.data["services"]
        return services

    def text(self) -> str:
        return json.dumps(self.data, indent=1)

    def _value(self) -> str:
        self._values += 1
        return f"v{self._values}"

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def is_one_shot(self, name: str) -> bool:
        return _is_one_shot(self.services[name])

    def _needed(self, name: str) -> bool:
        return any(name in json.dumps(one) for other, one in self.services.items() if other != name)

    def _is_shared(self, name: str) -> bool:
        """Whether others share a namespace or volumes of ``name``: of several containers Compose takes any."""
        return any(
            f"service:{name}" in one.values() or name in one.get("volumes_from", ()) for one in self.services.values()
        )

    def add_service(self) -> None:
        """Add a service that may depend on earlier ones in any of the ways that there are."""
        name, before = f"s{self._names}x", list(self.services)
        self._names += 1
        servers = [one for one in before if not self.is_one_shot(one) and "profiles" not in self.services[one]]
        service: dict[str, Any] = {**_SLEEPER, "environment": {"V": "0"}}
        if self._chance(0.25):
            service["command"] = ["true"]
            service["volumes"] = ["one:/one"]
        elif self._chance(0.3):
            service["healthcheck"] = _HEALTHY
        if servers and self._chance(0.4):
            provider = self.random.choice(servers)
            kind = self.random.choice(["network_mode", "ipc", "pid", "volumes_from", "links"])
            if kind != "links":
                self.services[provider].pop("deploy", None)
            if kind in {"volumes_from", "links"}:
                service[kind] = [provider]
            elif "network_mode" not in self.services[provider] or kind != "network_mode":
                service[kind] = f"service:{provider}"
                if kind == "ipc" and "ipc" not in self.services[provider]:
                    self.services[provider]["ipc"] = "shareable"
                elif kind == "ipc":
                    service.pop(kind)
        if "network_mode" not in service and "links" not in service and self._chance(0.3):
            service["networks"] = self.random.choice([["back"], ["back", "default"]])
        for kind, chance in (("volumes", 0.3), ("tmpfs", 0.1), ("anonymous", 0.2)):
            if self._chance(chance):
                if kind == "tmpfs":
                    service["tmpfs"] = ["/scratch"]
                else:
                    service.setdefault("volumes", []).append("two:/two" if kind == "volumes" else "/anonymous")
        for other in self.random.sample(before, min(len(before), self.random.randint(0, 2))):
            if "profiles" in self.services[other]:
                continue
            condition = "service_started"
            if self.is_one_shot(other):
                condition = "service_completed_successfully"
            elif "healthcheck" in self.services[other] and self._chance(0.7):
                condition = "service_healthy"
            dependency = {"condition": condition, "restart": self._chance(0.4)}
            if self._chance(0.15):
                dependency["required"] = False
            service.setdefault("depends_on", {})[other] = dependency
        if "network_mode" not in service and not _is_one_shot(service) and self._chance(0.3):
            service["deploy"] = {"replicas": self.random.randint(1, 3)}
        if self._chance(0.1):
            service["profiles"] = ["extra"]
        self.services[name] = service

    def lonely_one_shots(self) -> None:
        """Let somebody wait for each one-shot: else it is a service that must not end."""
        for name in list(self.services):
            waited = any(
                (one.get("depends_on") or {}).get(name, {}).get("condition") == "service_completed_successfully"
                for one in self.services.values()
            )
            if self.is_one_shot(name) and not waited:
                self.services[name]["command"] = ["sleep", "infinity"]
                for one in self.services.values():
                    if name in (one.get("depends_on") or {}):
                        one["depends_on"][name]["condition"] = "service_started"

    def change(self) -> None:
        """Change the blueprint, or what is on the engine, in one to three ways."""
        for _ in range(self.random.randint(1, 3)):
            kinds = [self._edit, self._edit, self._edit, self._happen, self._happen, self._structure]
            self.random.choice(kinds)()
        self.lonely_one_shots()

    def _edit(self) -> None:
        name = self.random.choice(list(self.services))
        service = self.services[name]
        kind = self.random.choice(["environment", "labels", "mem_limit", "image", "replicas", "replicas", "both"])
        if kind in {"environment", "both"}:
            service["environment"] = {"V": self._value()}
        if kind == "labels":
            service["labels"] = {"example.label": self._value()}
        if kind == "mem_limit":
            service["mem_limit"] = self.random.choice(["32m", "48m", "64m"])
        if kind == "image":
            service["image"] = _IMAGES[service["image"] == _IMAGES[0]]
        if kind in {"replicas", "both"}:
            if "network_mode" in service or self.is_one_shot(name) or self._is_shared(name):
                return
            service["deploy"] = {"replicas": self.random.randint(0 if not self._needed(name) else 1, 3)}
        self.log.append(f"{kind} of {name}")

    def _structure(self) -> None:
        kind = self.random.choice(["add", "remove", "profile", "volume", "networks"])
        if kind == "add":
            self.add_service()
        elif kind == "remove":
            free = [name for name in self.services if not self._needed(name)]
            if len(self.services) > 2 and free:
                self.services.pop(self.random.choice(free))
        elif kind == "profile":
            self.data["profiles"] = [] if self.data["profiles"] else ["extra"]
        else:
            name = self.random.choice(list(self.services))
            if kind == "volume":
                key = self._value()
                self.data["volumes"][key] = {}
                self.services[name].setdefault("volumes", []).append(f"{key}:/{key}")
            elif not {"network_mode", "links"} & set(self.services[name]):
                self.services[name]["networks"] = self.random.choice([["back"], ["default"], ["back", "default"]])
        self.log.append(kind)

    def _happen(self) -> None:
        label = f"label=com.docker.compose.project={self.project}"
        names = docker("ps", "--all", "--filter", label, "--format", "{{.Names}}").split()
        if not names:
            return
        name = self.random.choice(sorted(names))
        kind = self.random.choice(
            ["stop", "kill", "rm", "pause", "restart", "start", "disconnect", "stop all", "prune"]
        )
        commands = {
            "stop": ["stop", "--time", "0", name],
            "kill": ["kill", name],
            "rm": ["rm", "--force", name],
            "pause": ["pause", name],
            "restart": ["restart", "--time", "0", name],
            "start": ["start", name],
            "disconnect": ["network", "disconnect", "--force", f"{self.project}_back", name],
            "stop all": ["stop", "--time", "0", *names],
            "prune": ["stop", "--time", "0", *names],
        }
        docker(*commands[kind], check=False)
        if kind == "kill":
            docker("wait", name, check=False)
        if kind == "prune":
            docker("network", "rm", f"{self.project}_back", f"{self.project}_default", check=False)
        self.log.append(f"{kind} {name}")
