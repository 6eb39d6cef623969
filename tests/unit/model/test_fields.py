"""The models' own base says of each model what pydantic would, and behaves as a frozen model."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import ValidationError as PydanticError
from pydantic_core import ValidationError

from envman.model import attributes, header, service, stack
from envman.model.as_pydantic import pydantic_model
from envman.model.attributes import DeviceRequest, ReservedDevice
from envman.model.fields import Attributes
from envman.model.header import Declarations
from envman.model.schema import validator_of
from envman.model.service import Port
from envman.model.stack import Stack

MODELS = sorted(
    {
        one
        for module in (attributes, service, stack, header)
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, Attributes) and one is not Attributes
    },
    key=lambda one: one.__qualname__,
)
STACKS: list[Any] = [
    {},
    {"services": {"api": {"image": "x", "ports": [{"target": 80, "published": "auto"}], "environment": {"A": None}}}},
    {"services": {"api": {"ports": [{"published": "80"}]}}},
    {"services": {"api": {"ports": [{"target": "http"}]}}},
    {"services": {"api": {"environment": {"A": {"secret": "b"}, "C": 1.5}}}},
    {"services": {"api": {"environment": {"A": {"secret": "not a name"}}}}},
    {"services": {"a b": {}}},
    {"services": {"api": {"command": ["a", 1]}}},
    {"services": {"api": {"healthcheck": {"interval": "soon"}}}},
    {"services": {"api": {"deploy": {"resources": {"reservations": {"devices": [{"driver": "nvidia"}]}}}}}},
    {"services": {"api": {"gpus": "all", "deploy": None, "x-any": [1]}}},
    {"secrets": {"key": {"source": "generate", "length": 15}}},
    {"secrets": {"key": {"source": "generate", "length": 16, "optional": True}}},
    {"volumes": {"data": None, "models": {"retain": "forever"}}},
    {"profiles": "jobs"},
    [],
]
DECLARATIONS: list[Any] = [
    {"variables": {"a": {"type": "int", "default": 1, "min": 0}}},
    {"variables": {"a": {"type": "int", "default": "1"}}},
    {"variables": {"a": {"type": "enum", "values": []}}},
    {"variables": {"a": {"type": "enum", "values": ["b"], "more": 1}}},
    {"variables": {"a": {"type": "word"}}},
    {"variables": {"a": {}}},
    {"variables": {"a": {"type": "string", "pattern": "("}}},
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__qualname__)
def test_pydantic_reads_the_same_fields(model: type[Attributes]) -> None:
    made = pydantic_model(model)
    assert list(made.model_fields) == list(model.model_fields)
    for name, field in model.model_fields.items():
        assert made.model_fields[name].is_required() == field.is_required(), name


@pytest.mark.parametrize(
    ("model", "data"),
    [*((Stack, data) for data in STACKS), *((Declarations, data) for data in DECLARATIONS)],
    ids=repr,
)
def test_pydantic_accepts_the_same_values_and_finds_the_same_faults(model: type[Attributes], data: Any) -> None:
    theirs: list[Any] = []
    ours: list[Any] = []
    try:
        pydantic_model(model).model_validate(data)
    except PydanticError as error:
        theirs = [(one["type"], one["loc"]) for one in error.errors(include_url=False)]
    try:
        validator_of(model).validate_python(data)
    except ValidationError as error:
        ours = [(one["type"], one["loc"]) for one in error.errors(include_url=False)]
    assert [kind for kind, _ in ours] == [kind for kind, _ in theirs]
    assert bool(ours) == bool(theirs)


def test_a_child_may_require_what_its_parent_does_not() -> None:
    assert not DeviceRequest.model_fields["capabilities"].is_required()
    assert ReservedDevice.model_fields["capabilities"].is_required()


def test_instances_are_made_checked_and_frozen() -> None:
    port = Port(target=80)
    assert (port.target, port.published, port.automatic) == (80, None, False)
    with pytest.raises(AttributeError, match="frozen"):
        port.target = 81
    with pytest.raises(ValidationError):
        Port(target="http")


def test_what_is_shown_of_an_instance_holds_no_value() -> None:
    assert "80" not in repr(Port(target=80))


def test_each_instance_gets_defaults_of_its_own() -> None:
    one, other = validator_of(Stack).validate_python({}), validator_of(Stack).validate_python({})
    assert one.services == {}
    assert one.services is not other.services
