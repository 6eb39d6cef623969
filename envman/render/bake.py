"""A document's builds as a definition for `docker buildx bake`, so that several are made together.

It says what Compose says to bake (`docker compose build --print`; a test holds the two against each other), and besides
what envman adds: labels, the time of the commit, and no attestation that nobody asked for. Pure.
Source: https://docs.docker.com/build/bake/reference/.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from envman.model.types import size_in_bytes, truth
from envman.render.document import Document
from envman.source.places import is_elsewhere
from envman.source.scalars import text_of

EPOCH: Final = "SOURCE_DATE_EPOCH"
_SERVICE: Final = "service:"


class InexpressibleError(Exception):
    """A build says something that bake cannot be told; the message says what."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is written on an image beside what the blueprint says: labels, and the time it counts as made (Unix)."""

    labels: Mapping[str, str] = field(default_factory=dict)
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Bake:
    """A definition, the targets to build by service, and what they have to be allowed.

    ``attested`` says whether a build asks for an attestation.
    """

    definition: dict[str, Any]
    targets: Mapping[str, str]
    allow: tuple[str, ...]
    attested: bool


def bake(
    document: Document,
    root: Path,
    services: Iterable[str],
    *,
    environ: Mapping[str, str],
    stamps: Mapping[str, Stamp],
    no_cache: bool = False,
    pull: bool = False,
    rewrite_timestamps: bool = False,
) -> Bake:
    """Return the definition that builds ``services`` of ``document``; relative paths mean ``root``.

    ``environ`` gives arguments without a value theirs. ``rewrite_timestamps``: the builder's exporter can set the times
    of all files back to the stamp's.

    Raises:
        InexpressibleError: where only Compose can build one of them.
    """
    maker = _Maker(document, root, environ, stamps, rewrite_timestamps=rewrite_timestamps)
    wanted = list(services)
    definitions: dict[str, dict[str, Any]] = {}
    for name in maker.needed(wanted):
        target = maker.target(name)
        if name in wanted:
            target |= {"no-cache": True} if no_cache else {}
            target |= {"pull": True} if pull else {}
        definitions[name] = target
    alike = _alike(definitions, maker.linked)
    targets = {maker.names[name]: one for name, one in definitions.items() if alike[name] == name}
    built = {name: maker.names[alike[name]] for name in wanted}
    allow = sorted(
        {one for target in targets.values() for one in target.get("entitlements", ())}
        | {"network.host" for target in targets.values() if target.get("network") == "host"}
    )
    attested = any("attest" in target for target in targets.values())
    group = {"default": {"targets": list(dict.fromkeys(built.values()))}}
    return Bake({"group": group, "target": _escaped(targets)}, built, tuple(allow), attested)


def _alike(definitions: Mapping[str, dict[str, Any]], linked: frozenset[str]) -> dict[str, str]:
    """Return for each service the first one whose build is the same, name and all: one image is made once."""
    first: dict[str, str] = {}
    alike = {}
    for name, target in definitions.items():
        alike[name] = name if name in linked else first.setdefault(repr(target), name)
    return alike


class _Maker:
    def __init__(
        self,
        document: Document,
        root: Path,
        environ: Mapping[str, str],
        stamps: Mapping[str, Stamp],
        *,
        rewrite_timestamps: bool,
    ) -> None:
        self.document, self.root, self.environ, self.stamps = document, root, environ, stamps
        self.rewrite_timestamps = rewrite_timestamps
        self.builds = {name: one["build"] for name, one in document.services.items() if one.get("build")}
        self.names = _target_names(self.builds)
        self.linked = frozenset(other for name in self.builds for other in self._links(name))

    def _links(self, service: str) -> Iterator[str]:
        contexts = self.builds[service].get("additional_contexts") or {}
        for context in contexts.values():
            if str(context).startswith(_SERVICE):
                yield str(context).removeprefix(_SERVICE)

    def needed(self, services: Iterable[str]) -> list[str]:
        """Return ``services`` and those whose images their builds copy from."""
        found: dict[str, None] = {}
        left = list(services)
        while left:
            name = left.pop(0)
            if name not in found:
                if name not in self.builds:
                    raise InexpressibleError(f"a build copies from the image of {name}, which is not built")
                found[name] = None
                left += self._links(name)
        return list(found)

    def target(self, service: str) -> dict[str, Any]:
        build = self.builds[service]
        if build.get("isolation"):
            raise InexpressibleError(f"{service} says `isolation`")
        stamp = self.stamps.get(service, Stamp())
        target: dict[str, Any] = {**self._source(build)}
        target["args"] = self._arguments(build, stamp)
        target["labels"] = {**stamp.labels, **_texts(build.get("labels"))}
        target["tags"] = [self._image(service), *(build.get("tags") or ())]
        target["cache-from"] = list(build.get("cache_from") or ())
        target["cache-to"] = list(build.get("cache_to") or ())
        target["target"] = build.get("target")
        target["secret"] = [self._secret(service, grant) for grant in build.get("secrets") or ()]
        target["ssh"] = [f"{key}={value or ''}" for key, value in (build.get("ssh") or {}).items()]
        platforms = build.get("platforms") or (
            [one] if (one := self.document.services[service].get("platform")) else []
        )
        target["platforms"] = list(platforms)
        target["pull"] = _is_true(build.get("pull"))
        target["no-cache"] = _is_true(build.get("no_cache"))
        filters = build.get("no_cache_filter") or ()
        target["no-cache-filter"] = [filters] if isinstance(filters, str) else list(filters)
        target["network"] = build.get("network")
        target["shm-size"] = str(size_in_bytes(build["shm_size"])) if build.get("shm_size") else None
        target["ulimits"] = [_limit(name, value) for name, value in (build.get("ulimits") or {}).items()]
        insecure = ["security.insecure"] if _is_true(build.get("privileged")) else []
        target["entitlements"] = list(dict.fromkeys((*(build.get("entitlements") or ()), *insecure)))
        target["extra-hosts"] = {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in (build.get("extra_hosts") or {}).items()
        }
        target["attest"] = [*_attest("provenance", build), *_attest("sbom", build)]
        # As Compose has it: an image of several platforms fits no archive.
        output = "type=image,push=false" if len(platforms) > 1 else "type=docker"
        if self.rewrite_timestamps and EPOCH in target["args"]:
            output += ",rewrite-timestamp=true"
        target["output"] = [output]
        return {key: value for key, value in target.items() if value not in (None, False, "", [], {})}

    def _source(self, build: Mapping[str, Any]) -> dict[str, Any]:
        context = str(build.get("context") or ".")
        source: dict[str, Any] = {"context": self._place(context)}
        if build.get("dockerfile_inline"):
            source["dockerfile-inline"] = build["dockerfile_inline"]
        else:
            dockerfile = str(build.get("dockerfile") or "Dockerfile")
            local = not is_elsewhere(context)
            source["dockerfile"] = _normal(Path(source["context"]) / dockerfile) if local else dockerfile
        contexts = build.get("additional_contexts") or {}
        source["contexts"] = {name: self._other(str(place)) for name, place in contexts.items()}
        return source

    def _place(self, context: str) -> str:
        return context if is_elsewhere(context) else _normal(self.root / Path(context).expanduser())

    def _other(self, context: str) -> str:
        if context.startswith(_SERVICE):
            return f"target:{self.names[context.removeprefix(_SERVICE)]}"
        return self._place(context)

    def _arguments(self, build: Mapping[str, Any], stamp: Stamp) -> dict[str, str]:
        given = build.get("args") or {}
        known = {name: self.environ.get(name) if value is None else text_of(value) for name, value in given.items()}
        arguments = {name: value for name, value in known.items() if value is not None}
        if stamp.epoch is not None and EPOCH not in given:
            arguments[EPOCH] = str(stamp.epoch)
        return arguments

    def _image(self, service: str) -> str:
        image = self.document.services[service].get("image") or f"{self.document.project}-{service}"
        # A lock pins what is pulled; what is built gets the name alone.
        return str(image).partition("@")[0]

    def _secret(self, service: str, grant: Mapping[str, Any]) -> str:
        source = str(grant["source"])
        secret = (self.document.data.get("secrets") or {}).get(source) or {}
        identity = f"id={grant.get('target') or source}"
        if secret.get("file"):
            return _fields(identity, "type=file", f"src={self._place(str(secret['file']))}")
        if secret.get("environment"):
            return _fields(identity, "type=env", f"env={secret['environment']}")
        raise InexpressibleError(f"the build of {service} uses secret {source}, which has neither file nor variable")


def _target_names(services: Iterable[str]) -> dict[str, str]:
    """Return a name of a target for each service: bake takes no dots."""
    names: dict[str, str] = {}
    for service in services:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", service)
        while name in names.values():
            name += "_"
        names[service] = name
    return names


def _normal(path: Path) -> str:
    from posixpath import normpath

    return normpath(str(path))


def _attest(kind: str, build: Mapping[str, Any]) -> list[str]:
    value = build.get(kind)
    if value is None or value is False or str(value).lower() in {"false", ""}:
        return []
    return [f"type={kind}"] if value is True or str(value).lower() == "true" else [f"type={kind},{value}"]


def _limit(name: str, value: Any) -> str:
    return f"{name}={value['soft']}:{value['hard']}" if isinstance(value, dict) else f"{name}={value}"


def _is_true(value: Any) -> bool:
    return value is not None and truth(value)


def _texts(table: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: text_of(value) for name, value in (table or {}).items()}


def _fields(*fields: str) -> str:
    """Return one line of comma-separated values, as bake reads a secret: a comma in a path needs quotes."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def _escaped(data: Any) -> Any:
    """Return ``data`` with what bake would interpolate in strings written so that it stays as it is."""
    if isinstance(data, str):
        return data.replace("${", "$${").replace("%{", "%%{")
    if isinstance(data, dict):
        return {key: _escaped(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_escaped(value) for value in data]
    return data
