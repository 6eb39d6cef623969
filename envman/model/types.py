"""The scalar types of the Compose specification.

They accept what Compose accepts (its schema allows numbers and booleans as strings nearly everywhere, because
interpolation makes strings) and keep the value as written, so that a render says what the author said.
Sources: https://github.com/compose-spec/compose-spec/blob/main/11-extension.md and 05-services.md;
compose-go's `interpolation` casts for numbers and booleans; go-units for sizes; xhit/go-str2duration for durations.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic_core import PydanticCustomError

_DURATION: Final = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w)")
_DURATIONS: Final = re.compile(rf"(?:{_DURATION.pattern})+")
_SECONDS: Final = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0,
}  # fmt: skip
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s?(?:([kmgtp])?i?b?)", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_TRUE: Final = frozenset({"true", "yes", "y", "on", "1", "t"})
_FALSE: Final = frozenset({"false", "no", "n", "off", "0", "f"})


def seconds(text: str) -> float:
    """Return a duration such as ``1m30s`` in seconds; raises ValueError where it is none."""
    if text == "0":
        return 0.0
    if not _DURATIONS.fullmatch(text):
        raise ValueError(text)
    total = 0.0
    for part in _DURATION.finditer(text):
        number, unit = re.fullmatch(r"([-+]?[\d.]+)(\D+)", part[0]).groups()  # type: ignore[union-attr]
        total += float(number) * _SECONDS[unit]
    return total


def size_in_bytes(value: int | str) -> int:
    """Return a size such as ``64m`` or ``1.5gb`` in bytes (powers of 1024); raises ValueError where it is none."""
    if isinstance(value, int):
        return value
    if value == "-1":
        return -1
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(value)
    return int(float(match[1]) * 1024 ** _POWERS[(match[2] or "").lower()])


def truth(value: bool | str) -> bool:
    """Return what a boolean or a word for one means; raises ValueError where it is none."""
    if isinstance(value, bool):
        return value
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ValueError(value)


def _duration(value: str) -> str:
    try:
        seconds(value)
    except ValueError:
        raise PydanticCustomError(
            "EV102", "not a duration", {"expected": 'a duration such as "30s" or "1m30s"'}
        ) from None
    return value


def _size(value: int | str) -> int | str:
    try:
        size_in_bytes(value)
    except ValueError:
        raise PydanticCustomError(
            "EV112", "not a size", {"expected": 'bytes, or a size such as "512m" or "2g"'}
        ) from None
    return value


def _integer(value: int | str) -> int | str:
    if isinstance(value, str):
        try:
            int(value, 0)
        except ValueError:
            raise PydanticCustomError("EV106", "not an integer", {"expected": "an integer"}) from None
    return value


def _number(value: float | str) -> float | str:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            raise PydanticCustomError("EV106", "not a number", {"expected": "a number"}) from None
    return value


def _boolean(value: bool | str) -> bool | str:
    try:
        truth(value)
    except ValueError:
        raise PydanticCustomError("EV106", "not a boolean", {"expected": "true or false"}) from None
    return value


Text: TypeAlias = StrictStr
Integer: TypeAlias = Annotated[StrictInt | StrictStr, AfterValidator(_integer)]
Number: TypeAlias = Annotated[StrictInt | StrictFloat | StrictStr, AfterValidator(_number)]
Boolean: TypeAlias = Annotated[StrictBool | StrictStr, AfterValidator(_boolean)]
Duration: TypeAlias = Annotated[StrictStr, AfterValidator(_duration)]
Size: TypeAlias = Annotated[StrictInt | StrictStr, AfterValidator(_size)]
Atom: TypeAlias = StrictStr | StrictInt | StrictFloat | StrictBool | None
Command: TypeAlias = StrictStr | list[StrictStr] | None
StringOrList: TypeAlias = StrictStr | list[StrictStr]
Name: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[a-zA-Z0-9._-]+$")]
Table: TypeAlias = dict[StrictStr, Atom]
Opaque: TypeAlias = Any
