"""Tree to typed model, with every error at its place.

Unknown keys are found here rather than by pydantic, because here the key's own place is known. pydantic checks the
values; its error locations are walked back into the Tree.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic_core import ValidationError

from envman.diagnostics import Diagnostic, Note, Report, Span
from envman.diagnostics.diagnostic import near_match
from envman.model.fields import Attributes
from envman.model.schema import validator_of
from envman.source.reader import kind
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, dotted, key_span, node_at

Model = TypeVar("Model", bound=Attributes)
# Of this many names or fewer a message lists all.
_FEW: Final = 10


class Shape(NamedTuple):
    """What may stand at a place: known keys, what is below any key, what is in a list; whether only text fits."""

    fields: dict[str, Shape] | None = None
    values: Shape | None = None
    items: Shape | None = None
    text: bool = False


ANYTHING: Final = Shape()


@cache
def shape_of(annotation: Any) -> Shape:
    """Return the shape of a model or of the annotation of one of its fields."""
    if isinstance(annotation, type) and issubclass(annotation, Attributes):
        fields: dict[str, Any] = {name: field.annotation for name, field in annotation.model_fields.items()}
        return Shape(fields={name: shape_of(one) for name, one in fields.items()})
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
    model's, for near matches. Errors go to ``report``, the problems that values carry among them.
    """
    problems = Report()
    data = _Reader(problems, what, also).data(node, shape_of(model), ())
    bound: Model | None = None
    try:
        bound = validator_of(model).validate_python(data)
    except ValidationError as error:
        _report_all(error, node, problems)
    report.extend(problems.diagnostics)
    return (None if problems else bound), data


class _Reader:
    def __init__(self, report: Report, what: str, also: frozenset[str]) -> None:
        self.report, self.what, self.also = report, what, also

    def data(self, node: Node, shape: Shape, path: Path) -> Any:
        """Return ``node`` as plain data; unknown keys on the way are reported."""
        if isinstance(node, Scalar):
            value = node.value
            if node.problem is not None:
                self.report.add(node.problem)
            if shape.text and node.variables and isinstance(value, int | float):
                # A lone ${x} keeps its type; where only text fits, Compose would have made text of it.
                return text_of(value)
            return value
        if isinstance(node, Sequence):
            items = shape.items or ANYTHING
            return [self.data(item, items, (*path, index)) for index, item in enumerate(node.items)]
        data = {}
        fields = shape.fields if shape.values is None else None
        for key, below in node.entries.items():
            if fields is None:
                expected = shape.values or ANYTHING
            else:
                expected = fields.get(key) or ANYTHING
                if expected is ANYTHING and key not in fields and not key.startswith("x-"):
                    self._unknown(node, key, fields, path)
            data[key] = self.data(below, expected, (*path, key))
        return data

    def _unknown(self, node: Mapping, key: str, known: Iterable[str], path: Path) -> None:
        names = {*known, *(() if path else self.also)}
        listed = f"one of {', '.join(sorted(names))}" if len(names) <= _FEW else "a known attribute"
        self.report.error(
            "EV105",
            f'unknown attribute "{key}" ' + (f"in {dotted(path)}" if path else f"at the top of {self.what}"),
            node.keys[key],
            expected=near_match(key, names) or listed,
            help="start the name with x- if it is an extension of your own",
        )


class _Problem(NamedTuple):
    """One thing that pydantic found.

    ``message`` is empty where the kind of the value alone is wrong. ``span`` is set where the message is complete and
    about another place than the value: its key, or what is missing.
    """

    code: str
    message: str
    expected: str
    span: Span | None = None


_EXPECTED: Final = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _report_all(error: ValidationError, node: Node, report: Report) -> None:
    grouped: dict[Path, list[_Problem]] = {}
    for one in error.errors(include_url=False, include_input=False):
        path = _resolve(node, one["loc"])
        grouped.setdefault(path, []).append(_problem(node, path, one))
    for path, problems in grouped.items():
        found = node_at(node, path)
        assert found is not None
        if isinstance(found, Scalar) and found.problem is not None:
            continue  # what is wrong with it is said already
        placed = [each for each in problems if each.span is not None]
        others = [each for each in problems if each.span is None]
        for each in placed:
            report.error(each.code, each.message, each.span, expected=each.expected)
        # A collection with mistakes inside fits one form of a union: that it is not the other form is no news.
        inside = placed or any(deeper[: len(path)] == path for deeper in grouped if deeper != path)
        if others and not (inside and isinstance(found, Mapping | Sequence)):
            report.add(_diagnostic(found, path, others))


def _problem(node: Node, path: Path, error: Any) -> _Problem:
    kind_of_error, context = error["type"], error.get("ctx", {})
    last = str(error["loc"][-1]) if error["loc"] else ""
    if kind_of_error == "missing":
        span = key_span(node, path) if path and isinstance(path[-1], str) else _span(node, path)
        where = f" in {dotted(path)}" if path else ""
        return _Problem("EV107", f'"{last}" is missing{where}', f'"{last}: ..." in here', span)
    if last == "[key]":
        return _Problem("EV004", f'"{path[-1]}" is not a name', str(context.get("expected", "")), key_span(node, path))
    if kind_of_error.startswith("EV"):
        return _Problem(kind_of_error, str(error["msg"]), str(context.get("expected", "")))
    if kind_of_error in _EXPECTED:
        return _Problem("EV106", "", _EXPECTED[kind_of_error])
    if kind_of_error == "literal_error":
        return _Problem("EV108", "not one of the allowed values", str(context["expected"]).replace("'", '"'))
    if kind_of_error == "extra_forbidden":
        declared = node_at(node, (*path[:-1], "type"))
        of = f' to a variable of type "{declared.value}"' if isinstance(declared, Scalar) else " here"
        return _Problem("EV105", f'"{last}" does not belong{of}', "another attribute", key_span(node, path))
    if kind_of_error in {"union_tag_not_found", "union_tag_invalid"}:
        return _tagged(node, path, str(context.get("expected_tags", "")).replace("'", '"'))
    if kind_of_error == "greater_than_equal":
        return _Problem("EV108", "too small", f"at least {context['ge']}")
    if kind_of_error == "less_than_equal":
        return _Problem("EV108", "too large", f"at most {context['le']}")
    if kind_of_error == "too_short":
        return _Problem("EV108", f"{dotted(path)} is too short", f"at least {context['min_length']}", _span(node, path))
    return _Problem("EV108", str(error["msg"]).lower(), "")


def _tagged(node: Node, path: Path, tags: str) -> _Problem:
    declared = node_at(node, (*path, "type"))
    if declared is None:
        message = f'"type" is missing in {dotted(path)}'
        return _Problem("EV107", message, '"type: ...", as in {type: string}', key_span(node, path))
    return _Problem("EV108", f"{dotted(path)}.type: not a type of variable", f"one of {tags}", declared.span)


def _resolve(node: Node, location: tuple[int | str, ...]) -> Path:
    """Return the path of the node that ``location`` means: names of union members and the like are skipped."""
    path: Path = ()
    current: Node = node
    for step in location:
        found = node_at(current, (step,))
        if found is not None:
            path, current = (*path, step), found
    return path


def _span(node: Node, path: Path) -> Span:
    found = node_at(node, path)
    assert found is not None
    return found.span


def _diagnostic(found: Node, path: Path, problems: list[_Problem]) -> Diagnostic:
    name = dotted(path) or "the file"
    expected = " or ".join(dict.fromkeys(one.expected for one in problems if one.expected))
    special = next((one for one in problems if one.message), None)
    code, message = "EV106", f"{name} is {kind(found)}"
    if special is not None and isinstance(found, Scalar) and found.value is not None:
        code = special.code
        if code != "EV106" or isinstance(found.value, str):
            message = f"{name}: {special.message}"
    notes = () if found.overrides is None else (Note("overrides", found.overrides.span),)
    return Diagnostic(code, message, found.span, expected, notes, _advice(found, expected))


def _advice(found: Node, expected: str) -> str:
    if not isinstance(found, Scalar):
        return ""
    if found.value is None:
        return "remove the key; `!reset` as its value drops what a parent says"
    span = found.span
    if expected.startswith("a string") and isinstance(found.value, int | float) and span.line == span.end_line:
        return f'write "{span.source.line(span.line)[span.column - 1 : span.end_column - 1]}" in quotes'
    return ""
