"""The base of all models: a class whose annotations say what it holds.

pydantic-core validates (``envman.model.schema``), and makes the instances. pydantic's own ``BaseModel`` is not their
base, because importing it and making 60 classes with it took 65 ms of the 130 that a whole render may take;
``envman.model.as_pydantic`` makes pydantic's classes of these where somebody needs them.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, get_args, get_origin


class Absent:
    """The default of a field that has none."""


class Bounds:
    """Marks a field: the least and greatest number, the fewest items."""

    __slots__ = ("given",)

    def __init__(self, *, ge: float | None = None, le: float | None = None, min_length: int | None = None) -> None:
        named = {"ge": ge, "le": le, "min_length": min_length}
        self.given = {name: value for name, value in named.items() if value is not None}


class Discriminator:
    """Marks a union whose member is told by the value of one field."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class FieldInfo(NamedTuple):
    """What a model's class body says of a field."""

    annotation: Any
    metadata: tuple[Any, ...]
    default: Any = Absent
    default_factory: Callable[[], Any] | None = None

    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is Absent and self.default_factory is None


class _Made:
    __slots__ = ("factory",)

    def __init__(self, factory: Callable[[], Any]) -> None:
        self.factory = factory


def made_by(factory: Callable[[], Any]) -> Any:
    """Return a default that is made anew for each instance."""
    return _Made(factory)


class ModelType(type):
    """The type of models."""

    @property
    def model_fields(cls) -> Mapping[str, FieldInfo]:
        """The fields, those of the bases first."""
        return fields_of(cls)


class Attributes(metaclass=ModelType):
    """A mapping whose keys are known.

    Unknown keys are found by ``envman.model.binding``, which knows where they stand; keys that start with ``x-``
    are extensions everywhere, as the Compose specification has it.
    """

    # What pydantic-core sets on the instances that it makes.
    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")

    extra: ClassVar[Literal["ignore", "forbid"]] = "ignore"

    def __init__(self, **values: Any) -> None:
        """Make an instance of ``values``; raises pydantic-core's ValidationError where they do not fit."""
        from envman.model.schema import validator_of

        validator_of(type(self)).validate_python(values, self_instance=self)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is frozen")

    def __repr__(self) -> str:
        # Without values: one of them could be a secret.
        return f"<{type(self).__name__}>"


_OWN: Final = frozenset(Attributes.__annotations__)


@cache
def fields_of(model: type) -> dict[str, FieldInfo]:
    """Return the fields of ``model``, those of its bases first."""
    fields: dict[str, FieldInfo] = {}
    for base in reversed(model.__mro__):
        if base is not Attributes and issubclass(base, Attributes):
            for name, annotation in base.__annotations__.items():
                if name not in _OWN:
                    fields[name] = _field(annotation, vars(base).get(name, Absent))
    return fields


def _field(annotation: Any, default: Any) -> FieldInfo:
    if isinstance(annotation, str):
        raise TypeError(f"{annotation!r}: models are read without `from __future__ import annotations`")
    metadata: tuple[Any, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, metadata = get_args(annotation)[0], annotation.__metadata__
    if isinstance(default, _Made):
        return FieldInfo(annotation, metadata, default_factory=default.factory)
    return FieldInfo(annotation, metadata, default)
