"""Why a step is needed, in words and with the place in a blueprint that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from envman.diagnostics import Span
from envman.explanation.explain import hidden_variables
from envman.model.confidential import is_secret_name, masked
from envman.model.environment import Environment
from envman.model.files import named_files
from envman.plan.defined import defined_form
from envman.plan.form import Plain
from envman.render.document import Document
from envman.source.tree import Node, Path, leaves, node_at

_TABLES: Final = ("environment.", "labels.", "annotations", "logging.options", "storage_opt")
_SIZED: Final = frozenset({"mem_limit", "mem_reservation", "memswap_limit", "shm_size"})
_UNITS: Final = ((1024**4, "t"), (1024**3, "g"), (1024**2, "m"), (1024, "k"))
# Where an attribute of the common form stands when it is not written under its short name.
_ELSEWHERE: Final[dict[str, Path]] = {
    "mem_limit": ("deploy", "resources", "limits", "memory"),
    "cpus": ("deploy", "resources", "limits", "cpus"),
    "pids_limit": ("deploy", "resources", "limits", "pids"),
    "mem_reservation": ("deploy", "resources", "reservations", "memory"),
    "gpus": ("deploy", "resources", "reservations", "devices"),
    "restart": ("deploy", "restart_policy"),
}
_UNKNOWN: Final = "its definition has changed since it was made"
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason in words; ``span`` is where a blueprint says so, if one does."""

    text: str
    span: Span | None = None

    def __str__(self) -> str:
        return self.text if self.span is None else f"{self.text} ({self.span})"


def causes_of_change(
    environment: Environment,
    document: Document,
    name: str,
    previous: Plain | None,
    directory: str,
) -> tuple[Cause, ...]:
    """Return what has changed in service ``name`` since ``previous``, the definition that its container was made from.

    ``previous`` is None where that is not known. Values of secrets and of variables that look like one are withheld.
    """
    if previous is None:
        return (Cause(_UNKNOWN),)
    current = document.definitions[document.digests[name]]
    found = [
        *_image(environment, name, previous, current),
        *_attributes(environment, document, name, previous, current, directory),
        *_marks(environment, name, previous.get("dev.envman") or {}, current["dev.envman"]),
    ]
    if not found:
        keys = sorted(key for key in {*previous, *current} if previous.get(key) != current.get(key))
        found = [Cause(f"{key} has changed", origin(environment, name, key)) for key in keys]
    return tuple(found) or (Cause(_UNKNOWN),)


def _image(environment: Environment, name: str, previous: Plain, current: Plain) -> Iterator[Cause]:
    if previous.get("image") != current.get("image"):
        text = f"image {show('image', previous.get('image'))} -> {show('image', current.get('image'))}"
        yield Cause(text, origin(environment, name, "image"))


def _attributes(
    environment: Environment, document: Document, name: str, previous: Plain, current: Plain, directory: str
) -> Iterator[Cause]:
    before, after = (defined_form(document, one, {}, directory) for one in (previous, current))
    hidden = hidden_variables(environment.scope)
    for attribute in sorted({*before, *after}):
        old, new = before.get(attribute), after.get(attribute)
        if old != new:
            node = _node(environment, name, attribute)
            if node is not None and any(one in hidden for _, leaf in leaves(node, ()) for one in leaf.variables):
                text = f"{attribute} has changed"
            else:
                text = f"{attribute} {show(attribute, old)} -> {show(attribute, new)}"
            yield Cause(text, None if node is None else node.span)


def _marks(environment: Environment, name: str, before: Plain, after: Plain) -> Iterator[Cause]:
    words = {"secrets": "the value of secret {} has changed", "configs": "config {} has changed",
             "env_files": "env file {} has changed", "files": "file {} has changed",
             "variables": "the value of {} has changed"}  # fmt: skip
    for kind, text in words.items():
        old, new = before.get(kind) or {}, after.get(kind) or {}
        for key in sorted(set(old) & set(new)):
            if old[key] != new[key]:
                if kind == "variables":
                    yield Cause(text.format(key), environment.handed.files[name][key])
                    continue
                if kind == "files":
                    place = next((one.place for one in named_files(environment.data) if one.name == key), ())
                    yield Cause(text.format(key), environment.span(*place))
                    continue
                section = (kind, key) if kind != "env_files" else ("services", name, "env_file")
                yield Cause(text.format(key), environment.key_span(*section))


def origin(environment: Environment, name: str, attribute: str) -> Span | None:
    """Return where ``attribute`` (of the common form) of service ``name`` was set, or None where nobody set it."""
    node = _node(environment, name, attribute)
    return None if node is None else node.span


def _node(environment: Environment, name: str, attribute: str) -> Node | None:
    service: Path = ("services", name)
    head, _, rest = attribute.partition(".")
    candidates: list[Path] = [(head, rest)] if rest else [(head,)]
    if head in {"volumes", "networks"}:
        candidates = [*_listed(environment, name, head, rest), (head,)]
    candidates += [path for path in (_ELSEWHERE.get(attribute),) if path]
    for path in candidates:
        node = node_at(environment.tree, (*service, *path))
        if node is not None:
            return node
    return None


def _listed(environment: Environment, name: str, head: str, rest: str) -> Iterator[Path]:
    if head == "networks":
        yield (head, rest.removeprefix(f"{environment.compose_project}_"))
        return
    entries = environment.data["services"][name].get(head) or ()
    for index, entry in enumerate(entries):
        if isinstance(entry, Mapping) and str(entry.get("target", "")).rstrip("/") == rest:
            yield (head, index)


def is_secretive(attribute: str) -> bool:
    """Whether ``attribute`` (of the common form) has a name of somebody's own that says that it is a secret."""
    return attribute.startswith(_TABLES) and is_secret_name(attribute.partition(".")[2])


def show(attribute: str, value: Any) -> str:
    """Return a value of the common form as people write it; values of variables that look secret are withheld."""
    if value is None or value == []:
        return "unset"
    if is_secretive(attribute):
        return "(withheld)"
    if attribute in _SIZED and isinstance(value, int):
        return next((f"{value // unit}{name}" for unit, name in _UNITS if value % unit == 0), str(value))
    if attribute.startswith("volumes.") and isinstance(value, tuple):
        kind, source, read_only = value
        return f"{kind}{f' {source}' if source else ''}{' (read only)' if read_only else ''}"
    if attribute.startswith("networks."):
        return "attached" + (f" as {', '.join(value[1:])}" if value[1:] else "")
    if attribute.startswith("ulimits.") and isinstance(value, tuple):
        return str(value[0]) if value[0] == value[1] else f"{value[0]} to {value[1]}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    if isinstance(value, Mapping):
        pairs = [(key, "(withheld)" if is_secret_name(key) else one) for key, one in sorted(value.items())]
        text = ", ".join(f"{key}={one}" for key, one in pairs)
    text = " ".join(masked(text).split()) or '""'
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
