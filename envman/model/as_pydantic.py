"""The models as pydantic's own classes: for JSON Schema, and to compare the two."""

import types
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from envman.model.fields import Attributes, Bounds, Discriminator, FieldInfo


@cache
def pydantic_model(model: type[Attributes]) -> type[BaseModel]:
    """Return ``model`` as a class of pydantic's, with the same name, fields and documentation."""
    fields: dict[str, Any] = {name: _field(field) for name, field in model.model_fields.items()}
    return create_model(
        model.__name__,
        __config__=ConfigDict(
            extra=model.extra, strict=True, frozen=True, hide_input_in_errors=True, protected_namespaces=()
        ),
        __doc__=model.__doc__,
        __module__=model.__module__,
        **fields,
    )


def _field(field: FieldInfo) -> tuple[Any, Any]:
    annotation = _annotated(field.annotation, field.metadata)
    if field.default_factory is not None:
        return annotation, Field(default_factory=field.default_factory)
    return annotation, ... if field.is_required() else field.default


def _annotated(annotation: Any, metadata: tuple[Any, ...]) -> Any:
    converted = _convert(annotation)
    for one in metadata:
        marker: Any = one
        if isinstance(one, Bounds):
            given: dict[str, Any] = dict(one.given)
            marker = Field(**given)
        elif isinstance(one, Discriminator):
            marker = Field(discriminator=one.name)
        converted = Annotated[converted, marker]
    return converted


def _convert(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Attributes):
        return pydantic_model(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(arguments[0], annotation.__metadata__)
    if origin in (Union, types.UnionType):
        return Union[tuple(_convert(one) for one in arguments)]  # noqa: UP007 - made from a tuple
    if origin in (list, dict):
        return origin[tuple(_convert(one) for one in arguments)]
    return annotation
