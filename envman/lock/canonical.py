"""The canonical document: what an environment is wherever it runs, and the digests of it and of its parts.

A render holds what belongs to one machine too: allocated ports, the state folder, the checkout, the instance, a GPU
that is there. Rendered under fixed facts there is none of that. Nor is there a value that must not be shown: a digest
without a key would let anybody try passwords out. Such values are returned beside it, for fingerprints with a key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from envman import LABEL_PREFIX
from envman.explanation.explain import hidden_variables
from envman.facts import Facts
from envman.model.confidential import WITHHELD, is_withheld, masked
from envman.model.environment import Environment
from envman.model.files import Use, named_files
from envman.render.compose import render
from envman.source.tree import Path as TreePath
from envman.source.tree import dotted, leaves

# With a GPU, so that what the blueprint says of it is in the document.
_FACTS: Final = Facts(project_directory=Path("/project"), state_directory=Path("/state"), checkout="", gpu=True)
_OF_A_CHECKOUT: Final = tuple(LABEL_PREFIX + name for name in ("checkout", "digest", "instance"))
_SECTIONS: Final = ("services", "jobs", "networks", "volumes", "configs", "secrets", "models")


@dataclass(frozen=True, slots=True)
class Canonical:
    """The canonical document as plain data, and the values that were left out of it, by path."""

    data: dict[str, Any]
    withheld: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The digest of the whole document."""
        return _digest(self.data)

    @property
    def parts(self) -> dict[str, str]:
        """The digest of each service, network, volume and so on: ``services.api``."""
        return {
            f"{section}.{name}": _digest(entry)
            for section in _SECTIONS
            for name, entry in (self.data.get(section) or {}).items()
        }


def canonical_document(environment: Environment, files: Mapping[str, str] | None = None) -> Canonical:
    """Return the canonical document of ``environment``, which must be loaded without an instance.

    ``files`` are the digests of the files whose content its containers get, by path as written.
    """
    data, withheld = _without_secrets(environment)
    document = render(replace(environment, data=data, instance=None), _FACTS)
    made = _without_checkout(document.data)
    for name, service in environment.stack.services.items():
        if service.gpu is not None:
            made["services"][name] = {**made["services"][name], "gpu": service.gpu}
    for name, config in environment.stack.configs.items():
        digest = (files or {}).get(config.file or "")
        if digest:
            made["configs"][name] = {**made["configs"][name], "content": digest}
    for file in named_files(data):
        section, name = str(file.place[0]), str(file.place[1])
        if file.use is Use.CONTENT and section != "configs" and file.name in (files or {}):
            entry = made[section][name]
            made[section][name] = {**entry, "files": {**entry.get("files", {}), file.name: (files or {})[file.name]}}
    return Canonical(made, withheld)


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _without_secrets(environment: Environment) -> tuple[dict[str, Any], dict[str, str]]:
    hidden = hidden_variables(environment.scope)
    data, withheld = environment.data, {}
    for path, leaf in leaves(environment.tree):
        shown = WITHHELD if is_withheld(path, leaf.variables, hidden) else masked(leaf.value)
        if shown != leaf.value and leaf.value is not None:
            withheld[dotted(path)] = str(leaf.value)
            data = _with(data, path, shown)
    return data, withheld


def _with(data: Any, path: TreePath, value: Any) -> Any:
    """Return ``data`` with ``value`` at ``path``, where there is something."""
    if not path:
        return value
    step = path[0]
    if isinstance(data, dict) and step in data:
        return {**data, step: _with(data[step], path[1:], value)}
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return [*data[:step], _with(data[step], path[1:], value), *data[step + 1 :]]
    return data


def _without_checkout(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_checkout(value) for key, value in data.items() if key not in _OF_A_CHECKOUT}
    if isinstance(data, list):
        return [_without_checkout(value) for value in data]
    return data
