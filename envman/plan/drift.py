"""How a container differs from the service that it was made for: what somebody changed by hand."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from envman.plan.actual import actual_form
from envman.plan.defined import defined_form
from envman.plan.form import Plain
from envman.render.document import Document, Reference

# What the engine fills in where nobody said anything.
_DEFAULTS: Final[dict[str, Any]] = {"shm_size": 64 * 1024**2, "restart": "no", "logging.driver": "json-file"}
WITHHELD: Final = "(a secret)"


class Difference(NamedTuple):
    """An attribute that a container does not have as its service defines it; None means not set."""

    attribute: str
    defined: Any
    actual: Any


def differences(document: Document, service: str, container: Plain, image: Plain, directory: str) -> list[Difference]:
    """Return how ``container`` (as inspected) differs from ``service``; by attribute, in order.

    ``image`` is the ``Config`` of the container's image, ``directory`` the project's folder. Variables that come from
    an ``env_file`` or hold a secret are not compared: their values are in no document.
    """
    entry = document.services[service]
    defined = defined_form(document, entry, image, directory)
    actual = actual_form(container, image)
    _drop_unknown_environment(defined, actual, files=bool(entry.get("env_file")))
    found = []
    for attribute in sorted({*defined, *actual}):
        wanted, have = (form.get(attribute, _DEFAULTS.get(attribute)) for form in (defined, actual))
        if wanted != have and not (attribute in _ENGINE_DECIDES and wanted is None):
            found.append(Difference(attribute, wanted, have))
    return found


# Left alone by the blueprint, these are what the engine, its daemon's configuration or the kernel makes them.
_ENGINE_DECIDES: Final = frozenset(
    {"runtime", "ipc", "cgroup", "logging.driver", "logging.options", "memswap_limit", "security_opt", "hostname"}
)


def _drop_unknown_environment(defined: dict[str, Any], actual: dict[str, Any], *, files: bool) -> None:
    for attribute in [one for one in actual if one.startswith("environment.")]:
        if isinstance(defined.get(attribute), Reference) or (files and attribute not in defined):
            defined.pop(attribute, None)
            del actual[attribute]
    for attribute in [one for one, value in defined.items() if isinstance(value, Reference)]:
        defined[attribute] = WITHHELD
