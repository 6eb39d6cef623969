"""What an author may write, as JSON Schema: long forms and short, ``${...}`` where a number is expected.

Editors complete and check blueprints with it. It says less than ``envman check``: it sees one file, so nothing is
required that a parent may bring; and it sees no tags, so null stands everywhere for ``!reset null``.
"""

from __future__ import annotations

import types
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin

from envman.language.paths import PathTable
from envman.model import types as scalar_types
from envman.model.descriptions import description
from envman.model.fields import Attributes, FieldInfo
from envman.model.header import Header, Variable
from envman.model.stack import NEEDS_COMPOSE, OWN_ATTRIBUTES, Stack
from envman.model.types import Scalar

Schema: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str, ...]

DIALECT: Final = "http://json-schema.org/draft-07/schema#"  # the newest that editors' YAML servers know well
_INTERPOLATED: Final = r"\$"
_ATOM: Final[list[str]] = ["string", "number", "boolean", "null"]
_EXTENSIONS: Final[Schema] = {"^x-": {}}
_NAME: Final = "^[a-zA-Z0-9._-]+$"
_OF_PYTHON: Final = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}

# --- short forms

_PAIRS: Final[Schema] = {"type": "array", "items": {"type": "string"}, "description": "NAME=VALUE each"}
_NAMES: Final[Schema] = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
_TEXT: Final[Schema] = {"type": "string"}
_TEXT_ITEMS: Final = ("items", {"type": "string"})
_PORT_ITEMS: Final = ("items", {"type": ["integer", "string"]})
_EXTERNAL: Final[Schema] = {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}
# By what normalises it: a further schema for the value, or ("items", schema) for the entries of the list.
_SERVICE: Final[dict[str, Any]] = {
    "annotations": _PAIRS,
    "build": _TEXT,
    "build.additional_contexts": _PAIRS,
    "build.args": _PAIRS,
    "build.extra_hosts": _PAIRS,
    "build.labels": _PAIRS,
    "build.secrets": _TEXT_ITEMS,
    "build.ssh": _PAIRS,
    "configs": _TEXT_ITEMS,
    "depends_on": _NAMES,
    "deploy.labels": _PAIRS,
    "deploy.resources.reservations.devices.*.options": _PAIRS,
    "develop.watch.*.exec.environment": _PAIRS,
    "devices": _TEXT_ITEMS,
    "dns": _TEXT,
    "dns_search": _TEXT,
    "env_file": ("listed", {"type": "string"}),
    "environment": _PAIRS,
    "extends": _TEXT,
    "extra_hosts": _PAIRS,
    "gpus.*.options": _PAIRS,
    "label_file": _TEXT,
    "labels": _PAIRS,
    "models": _NAMES,
    "networks": _NAMES,
    "ports": _PORT_ITEMS,
    "post_start.*.environment": _PAIRS,
    "pre_stop.*.environment": _PAIRS,
    "secrets": _TEXT_ITEMS,
    "sysctls": _PAIRS,
    "tmpfs": _TEXT,
    "volumes": _TEXT_ITEMS,
    "volumes.*.volume.labels": _PAIRS,
}
# What the language resolves before there is a model.
_TEXTS: Final[Schema] = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_EXTENDS: Final[Schema] = {
    "anyOf": [
        {"type": ["string", "null"]},
        {
            "type": "object",
            "properties": {"service": _TEXT, "file": _TEXT},
            "required": ["service"],
            "additionalProperties": False,
        },
    ]
}
_INCLUDE: Final[Schema] = {
    "type": ["array", "null"],
    "items": {
        "anyOf": [
            _TEXT,
            {
                "type": "object",
                "properties": {"path": _TEXTS, "project_directory": _TEXT, "env_file": _TEXTS},
                "additionalProperties": False,
            },
        ]
    },
}
_RESOURCES: Final = ("networks", "volumes", "configs", "secrets")
SHORT_FORMS: Final[PathTable[Any]] = PathTable(
    {
        **{f"services.*.{pattern}": form for pattern, form in _SERVICE.items()},
        **{f"services.*.pre_start.*.{pattern}": form for pattern, form in _SERVICE.items()},
        **{f"jobs.*.{pattern}": form for pattern, form in _SERVICE.items()},
        "jobs.*.triggers.schedule": _TEXT_ITEMS,
        **{f"{section}.*.labels": _PAIRS for section in _RESOURCES},
        **{f"{section}.*.external": _EXTERNAL for section in _RESOURCES},
    }
)

# --- scalars: what a string must look like that stands for something else


def _words() -> str:
    words = ("true", "false", "yes", "no", "on", "off", "y", "n")
    return "|".join(form for word in words for form in (word, word.capitalize(), word.upper()))


_DURATION: Final = r"0|[-+]?((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h|d|w))+"
_SIZE: Final = r"\s*(\d+\.?\d*|\.\d+)([eE][-+]?\d+)? ?([bB]|[kKmMgGtTpP]([iI]?[bB])?)?\s*"
_NUMBER: Final = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"


def _scalar_of(alias: Any) -> Scalar:
    found: Scalar = get_args(alias)[1]
    return found


_PATTERNS: Final[dict[Scalar, str]] = {
    _scalar_of(scalar_types.Boolean): _words(),
    _scalar_of(scalar_types.Integer): "[-+]?[0-9]+",
    _scalar_of(scalar_types.Number): _NUMBER,
    _scalar_of(scalar_types.Duration): _DURATION,
    _scalar_of(scalar_types.Size): _SIZE,
    _scalar_of(scalar_types.SizeText): _SIZE,
    _scalar_of(scalar_types.Mode): "[0-7]+",
    _scalar_of(scalar_types.Count): "all|[-+]?[0-9]+",
    _scalar_of(scalar_types.Published): r"([0-9]+(-[0-9]+)?|auto)?",
    _scalar_of(scalar_types.HostPort): r"([0-9]+(-[0-9]+)?)?",
    _scalar_of(scalar_types.Name): "[a-zA-Z0-9._-]+",
}


def blueprint_schema(version: str) -> Schema:
    """Return the JSON Schema of a blueprint. ``version`` is envman's own: a reader sees which one it describes."""
    writer = _Writer()
    stack = writer.model(Stack, (), whole=False)
    header = writer.model(Header, (), whole=False)
    properties: Schema = {**header["properties"], **stack["properties"]}
    properties["variables"] = _variables(writer)
    properties["include"] = {"description": description(Stack, "include"), **_INCLUDE}
    service = writer.definitions["Service"]["properties"]
    service["extends"] = {"description": service["extends"]["description"], **_EXTENDS}
    return {
        "$schema": DIALECT,
        "$comment": f"envman {version}: `envman schema`",
        "title": "An envman blueprint",
        "type": ["object", "null"],
        "properties": properties,
        "patternProperties": _EXTENSIONS,
        "additionalProperties": False,
        "definitions": dict(sorted(writer.definitions.items())),
    }


def _variables(writer: _Writer) -> Schema:
    members = get_args(get_args(Variable)[0])
    types_of = {
        kind: writer.model(member, ("variables", "*"), whole=False)
        for member in members
        for kind in get_args(member.model_fields["type"].annotation)
    }
    # A child may change one attribute of a variable alone, and then need not repeat its type.
    attributes: Schema = {}
    for one in types_of.values():
        attributes.update(one["properties"])
    attributes = {**attributes, "default": {"type": _ATOM}, "min": {"type": _ATOM}, "max": {"type": _ATOM}}
    attributes["type"] = {"enum": sorted(types_of), "description": description(members[0], "type")}
    for name in ("default", "min", "max"):
        attributes[name]["description"] = description(members[0], name)
    cases = [
        {
            "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
            "then": {"properties": {**one["properties"], "type": {}}, "additionalProperties": False},
        }
        for kind, one in types_of.items()
    ]
    variable = {"type": "object", "properties": attributes, "additionalProperties": False, "allOf": cases}
    writer.definitions["Variable"] = variable
    return {
        "type": ["object", "null"],
        "description": description(Header, "variables"),
        "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
        "additionalProperties": {"$ref": "#/definitions/Variable"},
    }


class _Writer:
    """Writes the schemas of annotations; models go to ``definitions``, by name."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def model(self, model: type[Attributes], path: Path, *, whole: bool) -> Schema:
        """Return the schema of ``model`` as it is written at ``path``."""
        properties: Schema = {}
        for name, field in model.model_fields.items():
            properties[name] = self._property(model, name, field, (*path, name), whole=whole)
        schema: Schema = {
            "type": "object" if whole else ["object", "null"],
            "description": " ".join((model.__doc__ or "").split("\n\n")[0].replace("``", "`").split()),
            "properties": properties,
            "patternProperties": _EXTENSIONS,
            "additionalProperties": False,
        }
        needed = [name for name, field in model.model_fields.items() if field.is_required()]
        if whole and needed:
            schema["required"] = needed
        return schema

    def _property(self, model: type[Attributes], name: str, field: FieldInfo, path: Path, *, whole: bool) -> Schema:
        metadata = [one for one in field.metadata if isinstance(one, Scalar)]
        schema = self._scalar(metadata[0]) if metadata else self.annotation(field.annotation, path, whole=whole)
        form = _form(path)
        if isinstance(form, tuple):
            schema = _with_items(schema, form[1], alone=form[0] == "listed")
        elif form is not None:
            schema = _any_of([form, schema])
        about = " ".join(filter(None, (description(model, name), _remark(path))))
        schema = _nullable(schema)
        return {"description": about, **schema} if about else schema

    def annotation(self, annotation: Any, path: Path, *, whole: bool) -> Schema:
        """Return the schema of what is written at ``path``; what is ``whole`` merges with nothing, so lacks nothing."""
        if annotation is Any:
            return {}
        if annotation in _OF_PYTHON:
            return _plain(_OF_PYTHON[annotation])
        if isinstance(annotation, type) and issubclass(annotation, Attributes):
            return self._reference(annotation, path, whole=whole)
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            scalars = [one for one in annotation.__metadata__ if isinstance(one, Scalar)]
            return self._scalar(scalars[0]) if scalars else self.annotation(arguments[0], path, whole=whole)
        if origin in (Union, types.UnionType):
            return _any_of([self.annotation(one, path, whole=whole) for one in arguments])
        if origin is list:
            # Merging replaces entries of lists, but for a port, which may change one field of its parent's.
            entry = self.annotation(arguments[0], (*path, "*"), whole=whole or path[2:] != ("ports",))
            return {"type": "array", "items": entry}
        if origin is dict:
            return self._mapping(arguments, path, whole=whole)
        if origin is Literal:
            return _any_of([{"enum": list(arguments)}, *_interpolated()])
        raise TypeError(f"no schema for {annotation!r}")

    def _mapping(self, arguments: tuple[Any, ...], path: Path, *, whole: bool) -> Schema:
        keys, values = arguments
        below = self.annotation(values, (*path, "*"), whole=whole)
        schema: Schema = {"type": "object", "additionalProperties": below}
        if keys is not str:
            schema["propertyNames"] = {"pattern": _NAME}
        if len(path) == 1:
            # null asks for all defaults, and `x-` are extensions here too.
            schema["additionalProperties"] = _nullable(below)
            schema["patternProperties"] = _EXTENSIONS
        return schema

    def _reference(self, model: type[Attributes], path: Path, *, whole: bool) -> Schema:
        name = f"{model.__name__}{'Entry' if whole else ''}"
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.model(model, path, whole=whole)
        return {"$ref": f"#/definitions/{name}"}

    @staticmethod
    def _scalar(scalar: Scalar) -> Schema:
        kinds = list(scalar.json)
        pattern = _PATTERNS.get(scalar)
        if pattern is not None:
            return {"type": sorted({*kinds, "string"}), "pattern": f"^({pattern})$|{_INTERPOLATED}"}
        return {"type": kinds} if "string" in kinds else _any_of([{"type": kinds}, *_interpolated()])


def _form(path: Path) -> Any:
    table: PathTable[Any] | None = SHORT_FORMS
    for step in path:
        table = table.below(step) if table is not None else None
    return table.rule if table is not None else None


def _interpolated() -> list[Schema]:
    return [{"type": "string", "pattern": _INTERPOLATED}]


def _plain(kind: str) -> Schema:
    return {"type": kind} if kind in {"string", "null"} else _any_of([{"type": kind}, *_interpolated()])


def _any_of(members: list[Schema]) -> Schema:
    """Return what fits one of ``members``: as few schemas as say the same."""
    flat: list[Schema] = []
    for member in members:
        for one in member["anyOf"] if member.keys() == {"anyOf"} else [member]:
            if one not in flat:
                flat.append(one)
    if {} in flat:
        return {}
    plain = [one for one in flat if one.keys() == {"type"}]
    if len(plain) > 1:
        kinds = [kind for one in plain for kind in (one["type"] if isinstance(one["type"], list) else [one["type"]])]
        flat = [{"type": list(dict.fromkeys(kinds))}, *(one for one in flat if one.keys() != {"type"})]
    return flat[0] if len(flat) == 1 else {"anyOf": flat}


def _nullable(schema: Schema) -> Schema:
    """Return ``schema`` or null, without an ``anyOf`` where that can be: what editors say of those is hard to read."""
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": list(dict.fromkeys([*kinds, "null"]))}
    if schema.get("$ref", "").endswith("Entry") or "$ref" not in schema:
        return _any_of([schema, {"type": "null"}]) if schema else schema
    return schema  # a model that is not an entry of a list takes null itself


def _with_items(schema: Schema, item: Schema, *, alone: bool) -> Schema:
    members = schema.get("anyOf", [schema])
    changed = [
        {**one, "items": _any_of([item, one["items"]])} if one.get("type") == "array" else one for one in members
    ]
    return _any_of([*([item] if alone else []), *changed])


def _remark(path: Path) -> str:
    if path in NEEDS_COMPOSE:
        return f"Needs Compose {NEEDS_COMPOSE[path]}."
    return "envman's own." if path in OWN_ATTRIBUTES else ""
