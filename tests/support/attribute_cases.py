"""The cases below ``tests/attributes/cases``: what an author writes for one attribute, and what the render says.

A file is named after an attribute, its folder after the thing that has it (``PLACES``), and holds one YAML document
for each case:

    case     what this one shows
    write    the attribute's value in the blueprint
    render   the same in the document; left out where it is what was written, null where the document has other words
    beside   other attributes of the same thing, in place of the few that its kind always has
    with     other sections, such as the volume that a mount names
    files    files of the project, by path
    needs    the first Compose that knows what is written
    json     false where Compose cannot write the case as JSON

The case's thing is named ``NAME``; inside ``with`` that word stands for it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from environments import facts, load

from envman.diagnostics import Report, Source
from envman.render.compose import render
from envman.source.reader import read_tree
from envman.source.tree import plain

CASES: Final = Path(__file__).parents[1] / "attributes" / "cases"
_SERVICE: Final[dict[str, Any]] = {"image": "busybox:1.37"}


class ComposeRefusal(Exception):  # noqa: N818 - it is an answer
    """What Compose said of a file that it refused."""


@dataclass(frozen=True)
class Place:
    """Where the things of one folder stand: the path to one, what it needs at least, and who else must be there."""

    path: tuple[str, ...]
    least: dict[str, Any] = field(default_factory=dict)
    around: dict[str, Any] = field(default_factory=dict)


def _user(**attributes: Any) -> dict[str, Any]:
    """A service that uses the case's network, volume and so on: Compose drops what nobody uses."""
    return {"services": {"user-of-NAME": {**_SERVICE, **attributes}}}


PLACES: Final[dict[str, Place]] = {
    "blueprint": Place(()),
    "services": Place(("services", "NAME"), _SERVICE),
    "build": Place(("services", "NAME", "build"), {"context": "."}),
    "deploy": Place(("services", "NAME", "deploy"), {}, {"services": {"NAME": _SERVICE}}),
    "develop": Place(("services", "NAME", "develop"), {}, {"services": {"NAME": {"build": "."}}}),
    "healthcheck": Place(("services", "NAME", "healthcheck"), {}, {"services": {"NAME": _SERVICE}}),
    "networks": Place(("networks", "NAME"), {}, _user(networks=["NAME"])),
    "volumes": Place(("volumes", "NAME"), {}, _user(volumes=["NAME:/data"])),
    "configs": Place(("configs", "NAME"), {"file": "./config.txt"}, _user(configs=["NAME"])),
    "secrets": Place(("secrets", "NAME"), {"file": "./secret.txt"}, _user(secrets=["NAME"])),
    "models": Place(("models", "NAME"), {"model": "ai/smollm2"}, _user(models=["NAME"])),
}


@dataclass(frozen=True)
class Case:
    """One case, its words for ``NAME`` replaced."""

    folder: str
    attribute: str
    number: int
    title: str
    write: Any
    render: Any
    beside: dict[str, Any] | None
    around: dict[str, Any]
    files: dict[str, str]
    needs: str
    as_json: bool

    @property
    def id(self) -> str:
        return f"{self.folder}/{self.attribute}: {self.title}"

    @property
    def name(self) -> str:
        return f"{self.folder}-{self.attribute}-{self.number}".lower()

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name if step == "NAME" else step for step in PLACES[self.folder].path)

    @property
    def source(self) -> dict[str, Any]:
        """Everything that is written: a Compose file and the body of a blueprint."""
        place = PLACES[self.folder]
        beside = place.least if self.beside is None else self.beside
        thing = {**beside, self.attribute: self.write}
        around: dict[str, Any] = {"services": {}} if self.path else {"services": {"only": _SERVICE}}
        return merged(merged(around, self._named({**place.around})), merged(self.around, nested(self.path, thing)))

    def _named(self, data: Any) -> Any:
        return json.loads(json.dumps(data).replace("NAME", self.name))

    def write_files(self, root: Path) -> None:
        for name, text in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def document(self, root: Path) -> dict[str, Any]:
        """Return the document that envman renders from the case, in a project at ``root``."""
        self.write_files(root)
        environment = load(root, dev=json.dumps(self.source))
        return render(environment, facts(root)).data


def nested(path: tuple[str, ...], value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return both, mappings merged by key; of two values at one place there may be only one."""
    result = dict(one)
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            assert key not in result or result[key] == value, f"two values for {key}"
            result[key] = value
    return result


def read_cases(path: Path) -> Iterator[Case]:
    """Yield the cases of one file; scalars are read as envman and Compose read them."""
    for number, text in enumerate(re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE), 1):
        name = f"{path.parent.name}-{path.stem}-{number}".lower()
        data = json.loads(json.dumps(read_plain(text, f"{path.name}#{number}")).replace("NAME", name))
        assert set(data) <= {"case", "write", "render", "beside", "with", "files", "needs", "json"}, (
            path,
            sorted(data),
        )
        yield Case(
            folder=path.parent.name,
            attribute=path.stem,
            number=number,
            title=data["case"],
            write=data["write"],
            render=data["render"] if "render" in data else data["write"],
            beside=data.get("beside"),
            around=data.get("with", {}),
            files=data.get("files", {}),
            needs=data.get("needs", ""),
            as_json=data.get("json", True),
        )


def read_plain(text: str, name: str = "config.yaml") -> Any:
    """Return the data of a YAML document."""
    report = Report()
    tree = read_tree(Source(name, text), report)
    assert tree is not None, (name, [one.message for one in report])
    return plain(tree)


def all_cases() -> list[Case]:
    return [case for path in sorted(CASES.glob("*/*.yaml")) for case in read_cases(path)]


def compose_config(root: Path, text: str, *, form: str = "yaml") -> dict[str, Any]:
    """Return what the real Compose understands of a Compose file in ``root``; ComposeRefusal where it refuses.

    As YAML, because Compose 2.40 leaves models and some extensions out of its JSON, and fails on keys of `build.ssh`.
    """
    done = subprocess.run(
        [
            "docker", "compose", "--project-directory", str(root), "--project-name", "churn-dev",
            "--env-file", "/dev/null", "--profile", "*", "--file", "-", "config", "--format", form,
        ],
        input=text, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode != 0:
        raise ComposeRefusal(done.stderr)
    understood: dict[str, Any] = read_plain(done.stdout) if form == "yaml" else json.loads(done.stdout)
    return understood


def meaning(understood: dict[str, Any]) -> dict[str, Any]:
    """Return what Compose understood less what an environment owns: names that Compose makes, envman's labels."""
    project = understood.get("name")
    result = {key: value for key, value in understood.items() if key != "name"}
    for kind in ("services", "networks", "volumes", "configs", "secrets"):
        entries = {name: without_own_labels(entry) for name, entry in result.get(kind, {}).items()}
        for name, entry in entries.items():
            if entry.get("name") == f"{project}_{name}":
                del entry["name"]
            if "ssh" in entry.get("build", {}):
                entry["build"]["ssh"].sort()  # Compose writes them in an order that changes from run to run
        result[kind] = entries
    return result


def without_own_labels(entry: dict[str, Any]) -> dict[str, Any]:
    labels = {key: value for key, value in entry.get("labels", {}).items() if not key.startswith("dev.envman.")}
    return {key: value for key, value in entry.items() if key != "labels"} | ({"labels": labels} if labels else {})
