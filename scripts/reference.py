"""docs/reference.md, from the models: every attribute of a blueprint, what it takes and whose it is.

`python scripts/reference.py` writes it anew, `--check` only says whether it is current.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from envman.language.authoring import SHORT_FORMS
from envman.model import header, stack
from envman.model import types as scalars
from envman.model.attributes import BlockIO
from envman.model.container import Container
from envman.model.descriptions import description
from envman.model.fields import Attributes
from envman.model.service import SecretValue, Service
from envman.model.types import Scalar

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"
Place: TypeAlias = tuple[str, ...]
Found: TypeAlias = dict[type[Attributes], Place]

INTRODUCTION = """\
# The reference

Every attribute of a blueprint. This page is made from envman's models by `scripts/reference.py`.
`envman schema` prints the same as JSON Schema, for editors.

- Where a number, a boolean, a duration or a size stands, `"${NAME}"` and text that says the same may stand, too.
- **Short forms** are Compose's: what follows a comma under *takes*. They are written out long before blueprints merge.
- Keys that start with `x-` are extensions, at every level.
- *whose*: Compose's or envman's own. Where Compose 2.40 does not know an attribute yet, the release that does.
- **Bold** attributes are required in what remains after merging.
"""
WORDS = {
    scalars.Boolean: "boolean",
    scalars.Integer: "integer",
    scalars.Number: "number",
    scalars.Real: "number",
    scalars.Duration: "duration",
    scalars.Size: "size",
    scalars.SizeText: "size as text",
    scalars.Mode: "octal mode",
    scalars.Count: 'integer or `"all"`',
    scalars.Published: 'port, range or `"auto"`',
    scalars.HostPort: "port or range",
    scalars.Address: "IP address",
    scalars.Name: "name",
    scalars.Atom: "scalar",
    scalars.Option: "text, number or null",
    scalars.DriverOption: "text or number",
    scalars.ProviderOption: "text, number or boolean",
}
SCALARS = {get_args(alias)[1]: word for alias, word in WORDS.items()}
PLAIN = {str: "text", int: "integer", float: "number", bool: "boolean", Any: "anything", type(None): "null"}


def anchor(model: type[Attributes]) -> str:
    """Return the name of a model's section."""
    if model is BlockIO:
        return "block I/O"
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in model.__name__)
    return words.strip()


def takes(annotation: Any, metadata: Any, place: Place, found: Found) -> str:
    """Return in words what may stand at ``place``; models on the way are added to ``found``."""
    for one in metadata:
        if isinstance(one, Scalar):
            return SCALARS.get(one, "text")
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Attributes):
        found.setdefault(annotation, place)
        return f"[{anchor(annotation)}](#{anchor(annotation).lower().replace(' ', '-').replace('/', '')})"
    if origin is Annotated:
        return takes(arguments[0], annotation.__metadata__, place, found)
    if origin is list:
        return f"list of {takes(arguments[0], (), (*place, '*'), found)}"
    if origin is dict:
        return f"mapping to {takes(arguments[1], (), (*place, '*'), found)}"
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        members = [one for one in arguments if one is not type(None)]
        return " or ".join(dict.fromkeys(takes(one, (), place, found) for one in members))
    raise TypeError(annotation)


def short_form(place: Place) -> str:
    """Return the short form that may stand at ``place``."""
    table: Any = SHORT_FORMS
    for step in place:
        table = table.below(step) if table is not None else None
    form = table.rule if table is not None else None
    if form is None:
        return ""
    if isinstance(form, tuple):
        return ", or text" if form[0] == "listed" else ", entries short"
    if form["type"] == "array":
        return ", or a list of `NAME=VALUE`" if "description" in form else ", or a list of names"
    return ", or text" if form["type"] == "string" else ", or `{name: ...}`"


def whose(model: type[Attributes], place: Place) -> str:
    """Return whose an attribute is."""
    if place in stack.OWN_ATTRIBUTES or place[:1] == ("header",) or model is SecretValue:
        return "envman"
    return f"Compose {stack.NEEDS_COMPOSE[place]}" if place in stack.NEEDS_COMPOSE else "Compose"


def as_in_services(model: type[Attributes]) -> list[str]:
    """Return the attributes of a model that are the same in a service, and described there."""
    if model is Service or not issubclass(model, Container):
        return []
    same = model.model_fields.keys() & Service.model_fields.keys()
    return sorted(name for name in same if description(model, name) == description(Service, name))


def rows(model: type[Attributes], place: Place, found: Found) -> Iterator[str]:
    """Yield the rows of a model's table."""
    yield "| attribute | takes | whose | what for |"
    yield "|---|---|---|---|"
    told = as_in_services(model)
    for name, field in model.model_fields.items() if model is stack.Stack else sorted(model.model_fields.items()):
        if name in told:
            continue
        here = (*place, name)
        value = takes(field.annotation, field.metadata, here, found) + short_form(here)
        shown = f"**`{name}`**" if field.is_required() else f"`{name}`"
        yield f"| {shown} | {value} | {whose(model, here)} | {description(model, name)} |"
    if told:
        yield ""
        yield f"And, as in a [service](#service): {', '.join(f'`{name}`' for name in told)}."


def about(model: type[Attributes]) -> str:
    """Return the first paragraph of a model's docstring."""
    return " ".join((model.__doc__ or "").split("\n\n")[0].replace("``", "`").split())


def section(model: type[Attributes], found: Found) -> Iterator[str]:
    """Yield a model's section, and those of the models that it brings."""
    known = set(found)
    place = found[model]
    yield "\n".join(
        [f"## {anchor(model)}", "", f"`{'.'.join(place)}`: {about(model)}", "", *rows(model, place, found), ""]
    )
    for one in [one for one in found if one not in known]:
        yield from section(one, found)


def sections() -> Iterator[str]:
    """Yield the page, section by section."""
    yield INTRODUCTION
    found: Found = {}
    yield "\n".join(["## The header", "", *rows(header.Header, ("header",), found), ""])
    yield "## Variables\n\nBy their `type`. A child blueprint may change one attribute alone.\n"
    for variable in get_args(get_args(header.Variable)[0]):
        kind = get_args(variable.model_fields["type"].annotation)[0]
        yield "\n".join([f"### {kind}", "", about(variable), "", *rows(variable, ("header",), found), ""])
    yield "\n".join(["## The body", "", *rows(stack.Stack, (), found), ""])
    for model in list(found):
        yield from section(model, found)


def main() -> int:
    """Write the page, or say that it is not current."""
    text = "\n".join(sections())
    if "--check" in sys.argv[1:]:
        current = REFERENCE.exists() and REFERENCE.read_text(encoding="utf-8") == text
        if not current:
            print("docs/reference.md is not current: run python scripts/reference.py", file=sys.stderr)
        return 0 if current else 1
    REFERENCE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
