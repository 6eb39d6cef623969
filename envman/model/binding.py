"""Tree to typed model, with every error at its place.

Unknown keys are found here rather than by pydantic, because here the key's own place is known. pydantic checks the
values; its error locations are walked back into the Tree.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from envman.diagnostics import Diagnostic, Note, Report
from envman.diagnostics.diagnostic import near_match
from envman.source.reader import kind
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, dotted, node_at

Model = TypeVar("Model", bound=BaseModel)


class Shape(NamedTuple):
    """What may stand at a place: known keys, what is below any key, what is in a list; whether only text fits."""

    fields: dict[str, Shape] | None = None
    values: Shape | None = None
    items: Shape | None = None
    text: bool = False


ANYTHING: Final = Shape()


@cache
def shape_of(annotation: Any) -> Shape:
    """Return the shape of a pydantic model or of the annotation of one of its fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape(fields={name: shape_of(field.annotation) for name, field in annotation.model_fields.items()})
    origin = get_origin(annotation)
    if origin is Annotated:
        return shape_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _union(get_args(annotation))
    if origin is list:
        return Shape(items=shape_of(get_args(annotation)[0]))
    if origin is dict:
        return Shape(values=shape_of(get_args(annotation)[1]))
    if origin is Literal:
        return Shape(text=all(isinstance(value, str) for value in get_args(annotation)))
    return Shape(text=annotation is str)


def _union(members: tuple[Any, ...]) -> Shape:
    shapes = [shape_of(member) for member in members if member is not type(None)]
    fields: dict[str, Shape] = {}
    for shape in shapes:
        fields.update(shape.fields or {})
    return Shape(
        fields=fields or None,
        values=next((shape.values for shape in shapes if shape.values), None),
        items=next((shape.items for shape in shapes if shape.items), None),
        text=all(shape.text or shape.fields or shape.values or shape.items for shape in shapes)
        and any(shape.text for shape in shapes),
    )


def bind(
    node: Node, model: type[Model], report: Report, *, what: str, also: frozenset[str] = frozenset()
) -> tuple[Model | None, Any]:
    """Return ``node`` as an instance of ``model`` (None where there are errors) and as plain data, keys in order.

    ``what`` names the thing in messages (``a blueprint``), ``also`` the keys that may stand at its top beside the
    model's, for near matches. Errors go to ``report``.
    """
    before = len(report.errors)
    data = _data(node, shape_of(model), (), report, what, also)
    try:
        bound = model.model_validate(data)
    except ValidationError as error:
        _report_all(error, node, report)
        return None, data
    return (bound if len(report.errors) == before else None), data


def _data(
    node: Node, shape: Shape, path: Path, report: Report, what: str, also: frozenset[str] = frozenset()
) -> Any:
    if isinstance(node, Scalar):
        value = node.value
        if shape.text and node.variables and isinstance(value, int | float):
            # A lone ${x} keeps its type; where only text fits, Compose would have made text of it.
            return str(value).lower() if isinstance(value, bool) else str(value)
        return value
    if isinstance(node, Sequence):
        below = shape.items or ANYTHING
        return [_data(item, below, (*path, index), report, what) for index, item in enumerate(node.items)]
    data = {}
    for key, value in node.entries.items():
        if shape.fields is not None and shape.values is None and not key.startswith("x-"):
            below = shape.fields.get(key) or ANYTHING
            if key not in shape.fields:
                _unknown(node, key, also.union(shape.fields), path, report, what)
        elif key.startswith("x-") and shape.fields is not None:
            below = ANYTHING
        else:
            below = shape.values or ANYTHING
        data[key] = _data(value, below, (*path, key), report, what)
    return data


def _unknown(node: Mapping, key: str, known: Iterable[str], path: Path, report: Report, what: str) -> None:
    where = f"in {dotted(path)}" if path else f"at the top of {what}"
    report.error(
        "EV105",
        f'unknown attribute "{key}" {where}',
        node.keys[key],
        expected=near_match(key, known) or "a known attribute",
        help="start the name with x- if it is an extension of your own",
    )


class _Problem(NamedTuple):
    code: str
    message: str
    expected: str


_EXPECTED: Final = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "mapping_type": "a mapping",
}


def _report_all(error: ValidationError, node: Node, report: Report) -> None:
    grouped: dict[tuple[Path, str], list[_Problem]] = {}
    for one in error.errors(include_url=False, include_input=False):
        path, missing = _resolve(node, one["loc"], absent=one["type"] == "missing")
        context = one.get("ctx", {})
        kind_of_error = one["type"]
        if kind_of_error == "missing":
            name = str(one["loc"][-1])
            problem = _Problem("EV107", f'"{name}" is missing', f'"{name}: ..." in here')
        elif kind_of_error.startswith("EV"):
            problem = _Problem(kind_of_error, str(one["msg"]), str(context.get("expected", "")))
        elif kind_of_error in _EXPECTED:
            problem = _Problem("EV106", "", _EXPECTED[kind_of_error])
        elif kind_of_error == "literal_error":
            problem = _Problem(
                "EV108", "not one of the allowed values", str(context.get("expected", "")).replace("'", '"')
            )
        elif kind_of_error == "extra_forbidden":
            problem = _Problem("EV105", f'"{one["loc"][-1]}" does not belong here', "an attribute of this type")
        elif kind_of_error in {"union_tag_not_found", "union_tag_invalid"}:
            problem = _tagged(node, path, str(context.get("expected_tags", "")).replace("'", '"'))
        else:
            problem = _Problem("EV108", str(one["msg"]).lower(), "")
        grouped.setdefault((path, missing), []).append(problem)
    for (path, _), problems in grouped.items():
        report.add(_diagnostic(node, path, problems))


def _tagged(node: Node, path: Path, tags: str) -> _Problem:
    declared = node_at(node, (*path, "type"))
    if declared is None:
        return _Problem("EV107", '"type" is missing', f'"type: ..." with one of {tags}')
    return _Problem("EV108", "not a type of variable", tags)


def _resolve(node: Node, location: tuple[int | str, ...], *, absent: bool) -> tuple[Path, str]:
    """Return the path of the node that ``location`` means: names of union members and the like are skipped."""
    path: Path = ()
    current: Node | None = node
    for step in location[:-1] if absent else location:
        found = node_at(current, (step,)) if current is not None else None
        if found is not None:
            path, current = (*path, step), found
    return path, str(location[-1]) if absent else ""


def _diagnostic(node: Node, path: Path, problems: list[_Problem]) -> Diagnostic:
    found = node_at(node, path)
    assert found is not None  # _resolve only walks what exists
    typed = [one for one in problems if one.code == "EV106" and not one.message]
    special = [one for one in problems if one not in typed]
    expected = " or ".join(dict.fromkeys(one.expected for one in problems if one.expected))
    if special and not (typed and isinstance(found, Mapping | Sequence)):
        code, message = special[0].code, special[0].message
    else:
        code, message = "EV106", f"{dotted(path) or 'the file'} is {kind(found)}"
    if code in {"EV108", "EV102", "EV112"} and isinstance(found, Scalar):
        message = f"{dotted(path)}: {message}"
    notes = tuple(
        Note("overrides", earlier.span) for earlier in (found.overrides,) if earlier is not None and code != "EV107"
    )
    advice = ""
    if isinstance(found, Scalar) and expected == "a string" and isinstance(found.value, bool | int | float):
        advice = f'write "{found.span.source.line(found.span.line)[found.span.column - 1 : found.span.end_column - 1]}" in quotes'
    return Diagnostic(code, message, found.span, expected, notes, advice)
