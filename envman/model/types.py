"""The scalar types of the Compose specification.

They accept what Compose 2.40 accepts (its schema allows numbers and booleans as strings in many places, because its
interpolation makes strings) and keep the value as written, so that a render says what the author said.
Sources: compose-spec's JSON Schema; compose-go's `loader/interpolate.go` for numbers and booleans; go-units for sizes;
str2duration for durations; all of it tried on `docker compose config` (tests/attributes).
"""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

from pydantic_core import PydanticCustomError, core_schema

# Quantifiers that give nothing back (`++`, `*+`): else a long row of digits is tried at every place to split it.
_DURATION: Final = re.compile(r"(?<![0-9.])([0-9]++\.?[0-9]*+|\.[0-9]++)(ns|us|µs|μs|ms|s|m|h|d|w)")
_DURATIONS: Final = re.compile(rf"[-+]?(?:{_DURATION.pattern})+")
_SECONDS: Final = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3,
    "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0,
}  # fmt: skip
_SIZE: Final = re.compile(r"((?:\d++\.?\d*+|\.\d++)(?:e[-+]?\d+)?) ?(?:b|([kmgtp])(?:i?b)?)?", re.IGNORECASE | re.ASCII)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
# Compose reads integers of 64 bits, which have 19 digits.
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,19}")
_DECIMAL: Final = re.compile(r"[-+]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]+)?")
_OCTAL: Final = re.compile(r"[0-7]+")
_PUBLISHED: Final = re.compile(r"(?:[0-9]{1,5}(?:-[0-9]{1,5})?|auto)?")
_NAME: Final = re.compile(r"[a-zA-Z0-9._-]+")
_TRUE: Final = frozenset({"true", "yes", "y", "on"})
_FALSE: Final = frozenset({"false", "no", "n", "off"})


def seconds(text: str) -> float:
    """Return a duration such as ``1m30s`` in seconds; raises ValueError where it is none."""
    if text == "0":
        return 0.0
    if not _DURATIONS.fullmatch(text):
        raise ValueError(text)
    total = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
    return -total if text[0] == "-" else total


def size_in_bytes(value: int | str) -> int:
    """Return a size such as ``64m`` or ``1.5gb`` in bytes (powers of 1024); raises ValueError where it is none."""
    if isinstance(value, int):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(value)
    number = float(match[1]) * 1024 ** _POWERS[(match[2] or "").lower()]
    if math.isinf(number):
        raise ValueError(value)
    return int(number)


def truth(value: bool | str) -> bool:
    """Return what a boolean or a word for one means; raises ValueError where it is none."""
    if isinstance(value, bool):
        return value
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ValueError(value)


def _wrong(message: str, expected: str, code: str = "EV106") -> PydanticCustomError:
    return PydanticCustomError(code, message, {"expected": expected})


def _integer(value: Any) -> Any:
    if value.__class__ is int or (value.__class__ is str and _WHOLE.fullmatch(value)):
        return value
    raise _wrong("not an integer", "an integer")


def _number(value: Any) -> Any:
    if value.__class__ in _NUMBERS or (value.__class__ is str and _DECIMAL.fullmatch(value)):
        return value
    raise _wrong("not a number", "a number")


def _real(value: Any) -> Any:
    if value.__class__ in _NUMBERS:
        return value
    raise _wrong("not a number", "a number")


def _boolean(value: Any) -> Any:
    if value.__class__ is bool or (value.__class__ is str and value.lower() in _WORDS):
        return value
    raise _wrong("not a boolean", "true or false")


def _duration(value: Any) -> Any:
    if value.__class__ is str and (value == "0" or _DURATIONS.fullmatch(value)):
        return value
    raise _wrong("not a duration", 'a duration such as "30s" or "1m30s"', "EV102")


def _size(value: Any) -> Any:
    if value.__class__ is int or (value.__class__ is str and _SIZE.fullmatch(value.strip())):
        return value
    raise _wrong("not a size", 'bytes, or a size such as "512m" or "2g"', "EV112")


def _size_text(value: Any) -> Any:
    if value.__class__ is str and _SIZE.fullmatch(value.strip()):
        return value
    raise _wrong("not a size", 'a size such as "512m" or "2g", as a string', "EV112")


def _mode(value: Any) -> Any:
    if value.__class__ is int or (value.__class__ is str and _OCTAL.fullmatch(value)):
        return value
    raise _wrong("not a file mode", 'an octal number such as 0o440 or "0440"')


def _count(value: Any) -> Any:
    if value == "all" or value.__class__ is int or (value.__class__ is str and _WHOLE.fullmatch(value)):
        return value
    raise _wrong("not a count", 'an integer or "all"')


def _published(value: Any) -> Any:
    if value.__class__ is int or (value.__class__ is str and _PUBLISHED.fullmatch(value)):
        return value
    raise _wrong("not a host port", 'a port, a range such as "8080-8090", or "auto"', "EV103")


def _host_port(value: Any) -> Any:
    if value != "auto" and (value.__class__ is int or (value.__class__ is str and _PUBLISHED.fullmatch(value))):
        return value
    raise _wrong("not a host port", 'a port, or a range such as "8080-8090"', "EV103")


def _address(value: Any) -> Any:
    if value.__class__ is str and is_address(value):
        return value
    raise _wrong("not an IP address", 'an IP address such as "127.0.0.1"', "EV103")


def is_address(text: str) -> bool:
    """Whether ``text`` is an IPv4 or IPv6 address; empty is none, and fine."""
    if not text or text in {"127.0.0.1", "0.0.0.0"}:  # noqa: S104 - compared, not bound
        return True
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _name(value: Any) -> Any:
    if value.__class__ is str and _NAME.fullmatch(value):
        return value
    raise _wrong("not a name", "letters, digits, and any of . _ -", "EV004")


def _atom(value: Any) -> Any:
    if value.__class__ in _ATOMS:
        return value
    raise _wrong("", "a string, number, boolean or null")


def _provider_option(value: Any) -> Any:
    if value.__class__ in _PROVIDER_OPTIONS:
        return value
    raise _wrong("", "a string, number or boolean")


def _option(value: Any) -> Any:
    if value.__class__ in _OPTIONS or value is None:
        return value
    raise _wrong("", "a string, number or null")


def _driver_option(value: Any) -> Any:
    if value.__class__ in _OPTIONS:
        return value
    raise _wrong("", "a string or number")


_WORDS: Final = _TRUE | _FALSE
_NUMBERS: Final = frozenset({int, float})
_OPTIONS: Final = frozenset({str, int, float})
_PROVIDER_OPTIONS: Final = _OPTIONS | {bool}
_ATOMS: Final = frozenset({str, int, float, bool, type(None)})


class Scalar:
    """A scalar type: the one function that checks a value, and what JSON Schema says of it.

    One function where pydantic would try each member of a union: it is faster, and one mistake makes one message.
    """

    __slots__ = ("check", "json")

    def __init__(self, check: Callable[[Any], Any], json: tuple[str, ...]) -> None:
        self.check = check
        self.json = json

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Return the schema that pydantic validates with."""
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": list(self.json) if len(self.json) > 1 else self.json[0]}


class Null:
    """Marks a field in which a written null means something. Elsewhere ``| None`` only says that it may be absent."""


Text: TypeAlias = str
Integer: TypeAlias = Annotated[int | str, Scalar(_integer, ("integer", "string"))]
Number: TypeAlias = Annotated[int | float | str, Scalar(_number, ("number", "string"))]
Real: TypeAlias = Annotated[int | float, Scalar(_real, ("number",))]
Boolean: TypeAlias = Annotated[bool | str, Scalar(_boolean, ("boolean", "string"))]
Duration: TypeAlias = Annotated[str, Scalar(_duration, ("string",))]
Size: TypeAlias = Annotated[int | str, Scalar(_size, ("integer", "string"))]
SizeText: TypeAlias = Annotated[str, Scalar(_size_text, ("string",))]
Mode: TypeAlias = Annotated[int | str, Scalar(_mode, ("integer", "string"))]
Count: TypeAlias = Annotated[int | str, Scalar(_count, ("integer", "string"))]
Published: TypeAlias = Annotated[int | str, Scalar(_published, ("integer", "string"))]
HostPort: TypeAlias = Annotated[int | str, Scalar(_host_port, ("integer", "string"))]
Address: TypeAlias = Annotated[str, Scalar(_address, ("string",))]
Name: TypeAlias = Annotated[str, Scalar(_name, ("string",))]
Atom: TypeAlias = Annotated[str | int | float | bool | None, Scalar(_atom, ("string", "number", "boolean", "null"))]
Option: TypeAlias = Annotated[str | int | float | None, Scalar(_option, ("string", "number", "null"))]
DriverOption: TypeAlias = Annotated[str | int | float, Scalar(_driver_option, ("string", "number"))]
ProviderOption: TypeAlias = Annotated[
    str | int | float | bool, Scalar(_provider_option, ("string", "number", "boolean"))
]
Command: TypeAlias = Annotated[str | list[str] | None, Null]
StringOrList: TypeAlias = str | list[str]
Table: TypeAlias = dict[str, Atom]
Hosts: TypeAlias = dict[str, str | list[str]]
Opaque: TypeAlias = Any
