"""Compose's JSON Schema, as check-jsonschema ships it, and envman's models as the same plain table of kinds.

A table says for each path (``*`` for any key or item) which kinds of value may stand there, in JSON Schema's words.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from envman.model.fields import Attributes
from envman.model.types import Null, Scalar

Path: TypeAlias = tuple[str, ...]
Kinds: TypeAlias = dict[Path, set[str]]

_OF_PYTHON = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_ALL = {"string", "number", "boolean", "null", "object", "array"}


def schema() -> dict[str, Any]:
    """Return Compose's own schema. It is read where it is installed, and is no part of this project."""
    text = files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def kinds_of_schema() -> Kinds:
    whole = schema()
    table: Kinds = {}
    _walk_schema(whole, whole, (), table)
    return table


def _alternatives(one: dict[str, Any], whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in one:
        target: Any = whole
        for step in one["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        yield from _alternatives(target, whole)
    for key in ("oneOf", "anyOf", "allOf"):
        for member in one.get(key, ()):
            yield from _alternatives(member, whole)
    if one.keys() & {"type", "properties", "enum", "patternProperties"}:
        yield one
    elif not one.keys() & {"$ref", "oneOf", "anyOf", "allOf", "required"}:
        yield {"type": sorted(_ALL)}


def _walk_schema(one: dict[str, Any], whole: dict[str, Any], path: Path, table: Kinds) -> None:
    for alternative in _alternatives(one, whole):
        declared = alternative.get("type", "object" if "properties" in alternative else "string")
        table.setdefault(path, set()).update([declared] if isinstance(declared, str) else declared)
        for name, below in alternative.get("properties", {}).items():
            _walk_schema(below, whole, (*path, name), table)
        for pattern, below in alternative.get("patternProperties", {}).items():
            if pattern != "^x-":
                _walk_schema(below, whole, (*path, "*"), table)
        if "items" in alternative:
            _walk_schema(alternative["items"], whole, (*path, "*"), table)


def kinds_of_model(model: type[Attributes]) -> Kinds:
    table: Kinds = {}
    _walk_model(model, (), table)
    return table


def _walk_model(annotation: Any, path: Path, table: Kinds) -> None:
    here = table.setdefault(path, set())
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        here |= _ALL
    elif annotation in _OF_PYTHON:
        here.add(_OF_PYTHON[annotation])
    elif isinstance(annotation, type) and issubclass(annotation, Attributes):
        here.add("object")
        for name, field in annotation.model_fields.items():
            _walk_field(field.annotation, field.metadata, (*path, name), table)
    elif origin is Annotated:
        _walk_field(arguments[0], annotation.__metadata__, path, table)
    elif origin is Literal:
        here.update(_OF_PYTHON[type(value)] for value in arguments)
    elif origin in (Union, types.UnionType):
        for member in arguments:
            _walk_model(member, path, table)
    elif origin is list:
        here.add("array")
        _walk_model(arguments[0], (*path, "*"), table)
    elif origin is dict:
        here.add("object")
        _walk_model(arguments[1], (*path, "*"), table)
    else:
        raise TypeError(annotation)


def _walk_field(annotation: Any, metadata: Any, path: Path, table: Kinds) -> None:
    scalar = next((one for one in metadata if isinstance(one, Scalar)), None)
    if scalar is not None:
        table.setdefault(path, set()).update(scalar.json)
        return
    if Null not in metadata and get_origin(annotation) in (Union, types.UnionType):
        # The null of an attribute that may be absent; one that may be written is marked.
        annotation = Union[tuple(one for one in get_args(annotation) if one is not type(None))]  # noqa: UP007
    _walk_model(annotation, path, table)
