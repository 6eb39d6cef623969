"""The models beside the schema that Compose publishes: what either lacks, and the kinds of value they take.

This is how an attribute of a future Compose is found: check-jsonschema brings a newer schema, and this fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from attribute_cases import CASES, PLACES, Case, all_cases
from compose_schema import Path, kinds_of_model, kinds_of_schema

from envman.language.normalise import NORMALISERS
from envman.model.stack import NEEDS_COMPOSE, OWN_ATTRIBUTES, Stack

# Where the models differ from the schema, and why that is right. A path speaks for all below it.
DIFFERENCES: Final[dict[str, str]] = {
    "version": "obsolete: Compose ignores it with a warning",
    "name": "an environment's name is envman's",
    "include": "the language resolves it before the models see anything",
    "services.*.extends": "the language resolves it before the models see anything",
    "jobs.*.extends": "as in services",
    "services.*.environment.*": "a value may be envman's own {secret: NAME}",
    "services.*.storage_opt.*": "the schema says nothing of the values",
    "services.*.blkio_config.weight": "the schema lets text pass, and Compose 2.40 fails to decode it",
    "services.*.blkio_config.weight_device.*.weight": "as blkio_config.weight",
    "services.*.volumes.*.tmpfs.mode": "as blkio_config.weight; a mode is a whole number",
    "services.*.pid": "the schema lets null pass, and Compose 2.40 panics on it",
    "services.*.expose.*": "a port is a whole number",
    "services.*.group_add.*": "a group is a whole number; Compose 2.40 fails to decode another",
    "services.*.configs.*.mode": "a mode is a whole number; Compose 2.40 fails to decode another",
    "services.*.secrets.*.mode": "as configs",
    "services.*.build.secrets.*.mode": "as configs",
    "services.*.build.additional_contexts.*": "a context is text: Compose 2.40 panics on anything else",
}
# What services, jobs and the containers of pre_start share is compared once, for services.
_LIKE_SERVICES: Final = ("jobs.*", "services.*.pre_start.*")


def dotted(path: Path) -> str:
    return ".".join(path)


def excused(path: Path) -> bool:
    text = _as_service(dotted(path))
    return any(text == known or text.startswith(f"{known}.") for known in DIFFERENCES)


def _as_service(path: str) -> str:
    for alike in _LIKE_SERVICES:
        if path.startswith(f"{alike}."):
            return f"services.*{path.removeprefix(alike)}"
    return path


def is_own(path: Path) -> bool:
    return any(path[: len(own)] == own for own in OWN_ATTRIBUTES)


def has_short_form(path: Path) -> bool:
    """Whether normalising turns another form into the one that the model knows."""
    table: Any = NORMALISERS
    for depth, step in enumerate(path):
        table = table.below(step)
        if table is None:
            return False
        if table.rule is not None and depth >= len(path) - 2 and (depth == len(path) - 1 or path[-1] == "*"):
            return True
    return False


SCHEMA: Final = kinds_of_schema()
MODEL: Final = kinds_of_model(Stack)
OLD_EXTERNAL: Final = {(kind, "*", "external", "name") for kind in ("networks", "volumes", "configs", "secrets")}


def test_the_models_have_every_attribute_of_the_schema() -> None:
    # `external: {name: x}`, the form of long ago, is taken apart while normalising.
    lacking = SCHEMA.keys() - MODEL.keys() - OLD_EXTERNAL
    assert sorted(dotted(path) for path in lacking if not excused(path)) == []


def test_the_models_have_no_attribute_that_the_schema_lacks() -> None:
    added = MODEL.keys() - SCHEMA.keys()
    assert sorted(dotted(path) for path in added if not (is_own(path) or excused(path))) == []


def test_the_models_take_the_kinds_of_value_that_the_schema_takes() -> None:
    differing = []
    for path in sorted(SCHEMA.keys() & MODEL.keys()):
        lacking, added = SCHEMA[path] - MODEL[path], MODEL[path] - SCHEMA[path]
        if has_short_form(path):
            lacking -= {"string", "array", "number"}
        elif (*path, "name") in OLD_EXTERNAL:
            lacking -= {"object"}
        if (lacking or added) and not excused(path):
            differing.append((dotted(path), lacking, added))
    assert differing == []


def test_every_excuse_is_needed() -> None:
    unlike = {path for path in SCHEMA.keys() | MODEL.keys() if SCHEMA.get(path) != MODEL.get(path)}
    assert [known for known in DIFFERENCES if not any(dotted(path).startswith(known) for path in unlike)] == []


@pytest.mark.parametrize("path", [*sorted(OWN_ATTRIBUTES), *NEEDS_COMPOSE], ids=dotted)
def test_the_tables_name_attributes_that_there_are(path: Path) -> None:
    assert path in MODEL


# --- the cases


def _pattern(folder: str) -> Path:
    return tuple("*" if step == "NAME" else step for step in PLACES[folder].path)


@pytest.mark.parametrize("folder", sorted(set(PLACES)))
def test_every_attribute_has_its_cases(folder: str) -> None:
    here = _pattern(folder)
    attributes = {path[-1] for path in SCHEMA.keys() & MODEL.keys() if path and path[:-1] == here}
    attributes -= {"include", "extends"}  # resolved before there is a model
    assert attributes - {path.stem for path in (CASES / folder).glob("*.yaml")} == set()
    assert {path.stem for path in (CASES / folder).glob("*.yaml")} - attributes == {"x-extension"}


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each value in the schema's words: a key that the schema does not name is ``*``."""
    yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _paths(below, (*path, key) if (*path, key) in SCHEMA else (*path, "*"))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, (*path, "*"))


def test_the_cases_show_every_attribute_at_every_depth() -> None:
    def written(case: Case) -> Iterator[Path]:
        yield from _paths(case.source)
        yield from _paths(case.render, (*_pattern(case.folder), case.attribute))

    shown = {path for case in all_cases() for path in written(case)}
    missing = {path for path in SCHEMA if path not in shown and not excused(path)}
    assert sorted(dotted(path) for path in missing if _as_service(dotted(path)) == dotted(path)) == []
