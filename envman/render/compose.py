"""An environment as a Compose file: flat, complete, in the author's order."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from shlex import quote
from typing import Any, Final

from envman import LABEL_PREFIX
from envman.facts import Facts
from envman.model.environment import Environment
from envman.model.files import Use, named_files
from envman.model.needs import needs_of
from envman.model.service import Port, SecretValue, Service
from envman.model.stack import OWN_ATTRIBUTES, Secret
from envman.registry.dockerfile import SYNTAX, SYNTAX_ARGUMENT
from envman.render.document import Document, Reference
from envman.render.gpu import gpu_requests, without_gpu

# What may change without a new container: Compose leaves the same out of its own hash (pkg/compose/hash.go).
_NOT_IN_DIGEST: Final = ("build", "depends_on", "profiles", "pull_policy", "scale")
# An additional context of a build that is an image.
IMAGE_CONTEXT: Final = "docker-image://"
_SECTIONS: Final = ("services", "networks", "volumes", "configs", "secrets", "models", "jobs")


def render(environment: Environment, facts: Facts) -> Document:
    """Return the Compose file of ``environment`` under ``facts``."""
    return _Renderer(environment, facts).render()


def port_key(port: Port) -> str:
    """Return what tells a service's port from its others: its name, else ``TARGET/PROTOCOL``."""
    return port.name or f"{port.target}/{port.protocol or 'tcp'}"


def secret_variable(name: str) -> str:
    """Return the variable in Compose's environment that holds secret ``name``."""
    return "ENVMAN_SECRET_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def _replaced(entry: dict[str, Any], key: str, images: Mapping[str, str]) -> dict[str, Any]:
    return {**entry, key: images[entry[key]]} if entry.get(key) in images else entry


def _context(value: str, images: Mapping[str, str]) -> str:
    name = value.removeprefix(IMAGE_CONTEXT)
    return IMAGE_CONTEXT + images.get(name, name) if name != value else value


def _labelled(entry: dict[str, Any]) -> dict[str, Any]:
    """Return ``entry`` without label files: their labels are among its own (`language.handed`)."""
    return {key: value for key, value in entry.items() if key != "label_file"}


def _joins_default(service: Service) -> bool:
    """Return whether Compose makes the default network for ``service`` (compose-go, loader/normalize.go)."""
    if any("default" in (one.networks or ()) for one in service.pre_start or ()):
        return True
    if service.network_mode or not service.networks:
        return not service.network_mode and not service.provider
    return "default" in service.networks


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def image_names(environment: Environment) -> list[str]:
    """Return the names, as written, that ``Facts.images`` may replace: not those of what is built here."""
    data, found, own = environment.data, dict[str, None](), set[str]()
    for section in ("services", "jobs"):
        for name, entry in (data.get(section) or {}).items():
            if name.startswith("x-"):
                continue
            build = entry.get("build") or {}
            image = entry.get("image")
            if image and build:
                own.add(image)
            contexts = (build.get("additional_contexts") or {}).values()
            hooks = [one.get("image") for one in entry.get("pre_start") or ()]
            mounts = [one.get("source") for one in entry.get("volumes") or () if one["type"] == "image"]
            bases = [one.removeprefix(IMAGE_CONTEXT) for one in contexts if one.startswith(IMAGE_CONTEXT)]
            found |= dict.fromkeys(one for one in (image, *hooks, *mounts, *bases) if one)
    return [name for name in found if name not in own]


class _Renderer:
    def __init__(self, environment: Environment, facts: Facts) -> None:
        self.environment = environment
        self.stack = environment.stack
        self.facts = facts
        self.variables: dict[str, str] = {}
        self.files: dict[str, list[str]] = {}
        for file in named_files(environment.data):
            if file.place[0] == "services" and file.use in {Use.CONTENT, Use.VARIABLES}:
                self.files.setdefault(str(file.place[1]), []).append(file.name)
        self.pins: dict[str, tuple[str, ...]] = {}
        self.digests: dict[str, str] = {}
        self.definitions: dict[str, dict[str, Any]] = {}
        self.identity = {
            f"{LABEL_PREFIX}project": environment.project,
            f"{LABEL_PREFIX}environment": environment.name,
            f"{LABEL_PREFIX}checkout": facts.checkout,
        }
        if environment.instance:
            self.identity[f"{LABEL_PREFIX}instance"] = environment.instance

    def render(self) -> Document:
        data: dict[str, Any] = {"name": self.environment.compose_project}
        for key, value in self.environment.data.items():
            if key in _SECTIONS:
                section = self._section(key, value or {})
                if section:
                    data[key] = section
            elif (key,) not in OWN_ATTRIBUTES:
                data[key] = value
        self._default_network(data)
        return Document(
            project=self.environment.compose_project,
            data=data,
            header=self._header(),
            digests=self.digests,
            definitions=self.definitions,
            secrets=tuple(name for name, one in self.stack.secrets.items() if self._is_ours(name, one)),
            variables=self.variables,
            pins=self.pins,
        )

    def _section(self, kind: str, entries: dict[str, Any]) -> dict[str, Any]:
        rendered = {}
        for name, entry in entries.items():
            if name.startswith("x-"):
                rendered[name] = entry
            elif kind == "services":
                rendered[name] = self._service(name, dict(entry), self.stack.services[name])
            elif kind == "secrets":
                made = self._secret(name, dict(entry), self.stack.secrets[name])
                if made is not None:
                    rendered[name] = made
            elif kind == "jobs":
                rendered[name] = self._job(name, dict(entry))
            elif kind in {"networks", "volumes"}:
                rendered[name] = self._resource(kind, dict(entry or {}))
            else:
                rendered[name] = entry
        return rendered

    # --- services

    def _service(self, name: str, entry: dict[str, Any], service: Service) -> dict[str, Any]:
        entry = _labelled(entry)
        for own in ("gpu", "sanitize", "snapshot", "tag"):
            entry.pop(own, None)
        if service.ports:
            entry["ports"] = [
                self._port(name, data, port) for data, port in zip(entry["ports"], service.ports, strict=True)
            ]
        if service.environment:
            entry["environment"] = {
                key: self._handed_over(service.environment[key].secret)  # type: ignore[union-attr]
                if isinstance(service.environment[key], SecretValue)
                else value
                for key, value in entry["environment"].items()
            }
        entry = self._with_present_secrets(entry)
        if service.pre_start:
            entry["pre_start"] = [self._with_present_secrets(_labelled(one)) for one in entry["pre_start"]]
        if service.gpu == "none" or (service.gpu == "optional" and not self.facts.gpu):
            # Whether a node of a GPU is there says no engine: only `none` takes it away.
            entry = without_gpu(entry, nodes=service.gpu == "none")
        elif service.gpu is not None and not any(path != ("runtime",) for path in gpu_requests(entry)):
            self._reserve_gpu(entry)
        content = self._content(name, entry, service)
        digest = _digest(content)
        self.digests[name] = digest
        self.definitions[digest] = content
        # Not part of the digest: another name of the same image is no reason for another container.
        entry = self._with_images(name, entry)
        entry["labels"] = {**(entry.get("labels") or {}), **self.identity, f"{LABEL_PREFIX}digest": digest}
        return {key: value for key, value in entry.items() if value != [] or key not in {"secrets", "ports"}}

    def _port(self, service: str, data: dict[str, Any], port: Port) -> dict[str, Any]:
        if not port.automatic:
            return data
        published = self.facts.ports.get((service, port_key(port)))
        return {
            key: (str(published) if published else "0") if key == "published" else value for key, value in data.items()
        }

    def _handed_over(self, secret: str) -> Reference:
        variable = secret_variable(secret)
        self.variables[variable] = secret
        return Reference(f"${{{variable}:?run this file with `envman compose`, which hands the secret over}}")

    def _job(self, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        entry = self._with_images(name, self._with_present_secrets(_labelled(entry)))
        return {**entry, "labels": {**(entry.get("labels") or {}), **self.identity}}

    def _with_images(self, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Return ``entry`` with the images to use in place of those that it names."""
        images, contexts = self.facts.images, self.facts.contexts.get(name) or {}
        if not images and not contexts and not self.facts.never_pulled:
            return entry
        # A service that builds may leave the name of its image to Compose.
        written = entry.get("image") or f"{self.environment.compose_project}-{name}"
        # An image that keeps its name is not named anew: Compose would take that for another definition.
        if images.get(written, written) != written:
            entry = {**entry, "image": images[written]}
        if written in self.facts.never_pulled:
            entry = {**entry, "pull_policy": "never"}
        if entry.get("build"):
            build = entry["build"]
            named = {key: _context(value, images) for key, value in (build.get("additional_contexts") or {}).items()}
            added = {key: f"{IMAGE_CONTEXT}{one}" for key, one in contexts.items() if key not in {*named, SYNTAX}}
            if added or SYNTAX in contexts:
                self.pins[name] = tuple(key for key in contexts if key not in named)
                named |= added
            if SYNTAX in contexts:
                build = {**build, "args": {**(build.get("args") or {}), SYNTAX_ARGUMENT: contexts[SYNTAX]}}
            entry = {**entry, "build": {**build, "additional_contexts": named} if named else build}
        if entry.get("pre_start"):
            entry = {**entry, "pre_start": [_replaced(one, "image", images) for one in entry["pre_start"]]}
        if entry.get("volumes"):
            mounts = [
                _replaced(mount, "source", images) if mount["type"] == "image" else mount for mount in entry["volumes"]
            ]
            entry = {**entry, "volumes": mounts}
        return entry

    def _with_present_secrets(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return ``entry`` without grants of optional secrets that this machine has no value for."""
        if entry.get("secrets"):
            entry = {**entry, "secrets": self._granted(entry["secrets"])}
        if (entry.get("build") or {}).get("secrets"):
            entry = {**entry, "build": {**entry["build"], "secrets": self._granted(entry["build"]["secrets"])}}
        return entry

    def _granted(self, grants: list[Any]) -> list[Any]:
        return [grant for grant in grants if grant["source"] not in self.facts.absent_secrets]

    @staticmethod
    def _reserve_gpu(entry: dict[str, Any]) -> None:
        deploy = dict(entry.get("deploy") or {})
        resources = dict(deploy.get("resources") or {})
        reservations = dict(resources.get("reservations") or {})
        device = {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
        reservations["devices"] = [*(reservations.get("devices") or ()), device]
        entry["deploy"] = {**deploy, "resources": {**resources, "reservations": reservations}}

    def _content(self, name: str, entry: dict[str, Any], service: Service) -> dict[str, Any]:
        """Return everything that makes a container what it is, as plain data without a secret in it."""
        content = {key: value for key, value in entry.items() if key not in _NOT_IN_DIGEST}
        if "deploy" in content:
            content["deploy"] = {key: value for key, value in (content["deploy"] or {}).items() if key != "replicas"}
        variables = self.environment.handed.files.get(name, ())
        own = {one.path for one in service.env_file or ()}
        files = [one for one in self.files.get(name, ()) if one not in own]
        used = {grant.source for grant in service.secrets or ()}
        used |= {value.secret for value in (service.environment or {}).values() if isinstance(value, SecretValue)}
        content["dev.envman"] = {
            "secrets": {name: self.facts.fingerprints.get(name, "") for name in sorted(used)},
            "configs": {grant.source: self._config_mark(grant.source) for grant in service.configs or ()},
            "env_files": {one.path: self.facts.files.get(one.path, "") for one in service.env_file or ()},
        }
        if files:
            content["dev.envman"]["files"] = {one: self.facts.files.get(one, "") for one in files}
        if variables:
            content["dev.envman"]["variables"] = {one: self.facts.variables.get(one, "") for one in sorted(variables)}
        return content

    def _config_mark(self, name: str) -> dict[str, Any]:
        config = self.stack.configs.get(name)
        mark = dict(self.environment.data.get("configs", {}).get(name) or {})
        if config is not None and config.file is not None:
            mark["content digest"] = self.facts.files.get(config.file, "")
        elif config is not None and config.environment is not None:
            mark["content digest"] = self.facts.variables.get(config.environment, "")
        return mark

    # --- networks, volumes, secrets

    def _resource(self, kind: str, entry: dict[str, Any]) -> dict[str, Any]:
        for name in ("retain", "shared"):
            if (kind, "*", name) in OWN_ATTRIBUTES:
                entry.pop(name, None)
        if not entry.get("external"):
            # Only what never changes: Compose takes a changed label on a volume for a reason to delete it.
            entry["labels"] = {**(entry.get("labels") or {}), **self.identity}
        return entry

    def _default_network(self, data: dict[str, Any]) -> None:
        if not any(map(_joins_default, self.stack.services.values())):
            return
        networks = data.setdefault("networks", {})
        if "default" not in networks:
            networks["default"] = self._resource("networks", {})

    @staticmethod
    def _is_ours(name: str, secret: Secret) -> bool:  # noqa: ARG004
        return secret.source is not None

    def _secret(self, name: str, entry: dict[str, Any], secret: Secret) -> dict[str, Any] | None:
        if name in self.facts.absent_secrets:
            return None
        if secret.source is None:
            return entry
        kept = {key: value for key, value in entry.items() if ("secrets", "*", key) not in OWN_ATTRIBUTES}
        if self.facts.secrets == "file":
            file = self.facts.state_directory / "secrets" / self.environment.key / name
            return {"file": str(file), **kept}
        variable = secret_variable(name)
        self.variables[variable] = name
        return {"environment": variable, **kept}

    # --- header

    def _header(self) -> tuple[str, ...]:
        environment, facts = self.environment, self.facts
        file = facts.project_directory / ".envman" / environment.key / "docker-compose.yml"
        instance = f", instance {environment.instance}" if environment.instance else ""
        sources = ", ".join(
            dict.fromkeys((*environment.files, *(name for names in environment.reached for name in names)))
        )
        plain_docker = (
            f"  docker compose --project-directory {quote(str(facts.project_directory))} "
            f"--project-name {environment.compose_project} --env-file /dev/null --file {quote(str(file))} up --detach"
        )
        resources = (*self.stack.secrets.values(), *self.stack.configs.values())
        looked_up = dict.fromkeys(name for names in environment.handed.files.values() for name in names)
        looked_up |= dict.fromkeys(one.environment for one in resources if one.environment)
        option = f"--instance {environment.instance} " if environment.instance else ""
        return (
            f"Rendered by envman from {sources}. Do not edit: change a blueprint and render again.",
            f"Environment {environment.name}{instance} of project {environment.project}, checkout {facts.checkout}.",
            f"Facts: {facts.describe()}.",
            *(f"Needs Compose {need.version} for {need.name}." for need in needs_of(environment)),
            *((f"Compose looks these up in its environment: {', '.join(looked_up)}.",) if looked_up else ()),
            "",
            f"  envman compose {option}{environment.name} -- up --detach",
            plain_docker,
            "",
        )
