"""Models to validators.

pydantic-core validates; this writes its schema straight from the models' annotations, in the few forms that are used
here. ``envman.model.as_pydantic`` makes pydantic's own classes of the models, and a test compares what the two accept.

One thing differs on purpose: a field's ``| None`` says that it may be absent. A null that was *written* is refused, as
Compose refuses it, but where the field is marked ``Null``.
"""

import types
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from envman.model.fields import Attributes, Bounds, Discriminator, FieldInfo
from envman.model.types import Null, Scalar

_Definitions: TypeAlias = dict[type[Attributes], CoreSchema]
_PLAIN: dict[Any, CoreSchema] = {
    str: core_schema.str_schema(strict=True),
    int: core_schema.int_schema(strict=True),
    float: core_schema.float_schema(strict=True),
    bool: core_schema.bool_schema(strict=True),
    Any: core_schema.any_schema(),
}


@cache
def validator_of(model: type[Attributes]) -> SchemaValidator:
    """Return the validator of ``model``."""
    definitions: _Definitions = {}
    schema = _schema(model, definitions)
    return SchemaValidator(
        core_schema.definitions_schema(schema, list(definitions.values())), {"hide_input_in_errors": True}
    )


def _schema(annotation: Any, definitions: _Definitions) -> CoreSchema:
    plain = _PLAIN.get(annotation) if annotation.__hash__ else None
    if plain is not None:
        return plain
    if isinstance(annotation, type) and issubclass(annotation, Attributes):
        if annotation not in definitions:
            definitions[annotation] = core_schema.any_schema()  # so that a model may hold itself
            definitions[annotation] = _model(annotation, definitions)
        return core_schema.definition_reference_schema(_reference(annotation))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(arguments[0], annotation.__metadata__, definitions)
    if origin in (Union, types.UnionType):
        return _union(arguments, definitions)
    if origin is list:
        return core_schema.list_schema(_schema(arguments[0], definitions), strict=True)
    if origin is dict:
        keys, values = (_schema(argument, definitions) for argument in arguments)
        return core_schema.dict_schema(keys, values, strict=True)
    if origin is Literal:
        return core_schema.literal_schema(list(arguments))
    raise TypeError(f"no schema for {annotation!r}")


def _reference(model: type[Attributes]) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def _model(model: type[Attributes], definitions: _Definitions) -> CoreSchema:
    fields = {name: _field(field, definitions) for name, field in model.model_fields.items()}
    return core_schema.model_schema(
        model, core_schema.model_fields_schema(fields, extra_behavior=model.extra), ref=_reference(model)
    )


def _field(field: FieldInfo, definitions: _Definitions) -> core_schema.ModelField:
    annotation: Any = field.annotation
    if Null not in field.metadata:
        annotation = _without_none(annotation)
    schema = _annotated(annotation, field.metadata, definitions)
    if field.default_factory is not None:
        schema = core_schema.with_default_schema(schema, default_factory=field.default_factory)
    elif not field.is_required():
        schema = core_schema.with_default_schema(schema, default=field.default)
    return core_schema.model_field(schema)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        members = tuple(member for member in get_args(annotation) if member is not type(None))
        return Union[members]  # noqa: UP007 - made from a tuple
    return annotation


def _annotated(annotation: Any, metadata: tuple[Any, ...], definitions: _Definitions) -> CoreSchema:
    for one in metadata:
        if isinstance(one, Scalar):
            return core_schema.no_info_plain_validator_function(one.check)
        if isinstance(one, Discriminator):
            return _tagged(get_args(annotation), one.name, definitions)
    schema = _schema(annotation, definitions)
    bounds: dict[str, Any] = {}
    for one in metadata:
        if isinstance(one, Bounds):
            bounds.update(one.given)
        elif one is not Null:
            raise TypeError(f"no schema for {one!r}")
    return {**schema, **bounds} if bounds else schema


def _union(members: tuple[Any, ...], definitions: _Definitions) -> CoreSchema:
    schemas = [_schema(member, definitions) for member in members if member is not type(None)]
    schema = schemas[0] if len(schemas) == 1 else core_schema.union_schema(schemas, mode="left_to_right")  # type: ignore[arg-type]
    return core_schema.nullable_schema(schema) if type(None) in members else schema


def _tagged(members: tuple[Any, ...], discriminator: str, definitions: _Definitions) -> CoreSchema:
    choices = {
        tag: _schema(member, definitions)
        for member in members
        for tag in get_args(member.model_fields[discriminator].annotation)
    }
    return core_schema.tagged_union_schema(choices, discriminator)
