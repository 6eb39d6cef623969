"""Records in the state folder: typed, written whole with a checksum, and refused where they are damaged.

What a record guards must not look unguarded because its file was cut off. So only a file that is absent counts as no
record; one that cannot be read, or is not what envman wrote, is EV509.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from envman.diagnostics.diagnostic import EnvmanError, fail
from envman.source.files import explain_os_error
from envman.source.witness import note_read
from envman.state.atomic import write_whole

T = TypeVar("T")

MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
# The largest record names the files of a build's context: a million of them fit.
_LARGEST: Final = 256 << 20


class Record(Generic[T]):
    """A kind of record.

    ``kind`` is a dataclass, or another type made of dataclasses, mappings, tuples, lists and JSON's own types.
    ``remedy`` says what to do where a file is damaged, and what that costs; ``PATH`` in it stands for the file.
    """

    def __init__(self, kind: Any, remedy: str) -> None:
        self.kind = kind
        self.remedy = remedy
        self._validator: Any = None

    def read(self, path: Path) -> T | None:
        """Return the record in ``path``; None where there is no such file.

        Raises:
            EnvmanError: EV509 where the file is damaged or not a file.
        """
        data = read_private(path, self.remedy)
        if data is None:
            return None
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise self.damaged(path, "it is not JSON to its end") from None
        # Earlier versions of envman wrote the record alone.
        if isinstance(found, dict) and found.keys() == {"sha256", "record"}:
            if found["sha256"] != _digest(_canonical(found["record"])):
                raise self.damaged(path, "its checksum is not that of its content")
            found = found["record"]
            known = self._as_written(found)
            if known is not None:
                return known
        return self._validated(path, found)

    def write(self, path: Path, value: T, *, durable: bool = True) -> None:
        """Write ``value`` to ``path`` in place of what was there.

        Raises:
            EnvmanError: EV008.
        """
        write_whole(path, _text(value), mode=MODE, folder_mode=FOLDER_MODE, durable=durable)

    def holds(self, path: Path, value: T) -> bool:
        """Return whether ``path`` is just what ``write`` would make it; that needs no validation.

        Raises:
            EnvmanError: EV509 where it is not a file or cannot be read.
        """
        return read_private(path, self.remedy) == _text(value).encode()

    def damaged(self, path: Path, reason: str) -> EnvmanError:
        """Return EV509 for the file ``path``."""
        return damaged(path, reason, self.remedy)

    def _as_written(self, data: Any) -> T | None:
        """Return the record that the checksum proves to be envman's own, or None where it is not as simple as JSON.

        `up` with nothing to do reads records of builds, and loading pydantic-core would double its time.
        """
        made: Any = None
        if isinstance(self.kind, type) and dataclasses.is_dataclass(self.kind):
            fields = dataclasses.fields(self.kind)
            if (
                isinstance(data, dict)
                and data.keys() == {one.name for one in fields}
                and not any("tuple" in str(one.type) for one in fields)
            ):
                made = self.kind(**data)
        elif not any(dataclasses.is_dataclass(one) for one in get_args(self.kind)):
            made = data
        return made  # type: ignore[no-any-return]

    def _validated(self, path: Path, data: Any) -> T:
        from pydantic_core import SchemaValidator, ValidationError

        if self._validator is None:
            self._validator = SchemaValidator(_schema(self.kind), {"hide_input_in_errors": True})
        try:
            valid: T = self._validator.validate_python(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise self.damaged(path, f"{where}: {first['msg'].lower()}") from None
        except RecursionError:
            raise self.damaged(path, "it is nested too deeply") from None
        return valid


def read_private(path: Path, remedy: str) -> bytes | None:
    """Return the content of a file of the state folder; None where there is none.

    Raises:
        EnvmanError: EV509 where it is not a plain file or cannot be read.
    """
    try:
        # Neither a FIFO nor a device may block, and no link leads to another file.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        path.exists()  # a kept render has to know that this file was asked for
        return None
    except OSError as error:
        raise damaged(path, explain_os_error(error), remedy) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise damaged(path, "it is not a regular file", remedy)
        if status.st_size > _LARGEST:
            raise damaged(path, f"it has {status.st_size:,} bytes", remedy)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read()
    except OSError as error:
        raise damaged(path, explain_os_error(error), remedy) from None
    finally:
        os.close(descriptor)
    note_read(path, data)
    return data


def damaged(path: Path, reason: str, remedy: str) -> EnvmanError:
    """Return EV509 for a file of the state folder; ``remedy`` as for ``Record``."""
    return fail("EV509", f"{path} is damaged: {reason}", help=remedy.replace("PATH", str(path)))


def _text(value: Any) -> str:
    record = _canonical(value)
    return f'{{"sha256": "{_digest(record)}", "record": {record}}}\n'


def _canonical(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _schema(kind: Any) -> Any:
    """Return pydantic-core's schema of ``kind``."""
    from pydantic_core import core_schema

    plain = {
        # Names of files may be no UTF-8, which pydantic-core's own strings have to be.
        str: core_schema.is_instance_schema(str),
        int: core_schema.int_schema(strict=True),
        float: core_schema.float_schema(strict=True),
        bool: core_schema.bool_schema(strict=True),
        Any: core_schema.any_schema(),
    }
    if kind in plain:
        return plain[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (inner,) = (one for one in arguments if one is not NoneType)
        return core_schema.nullable_schema(_schema(inner))
    if origin in (tuple, list):
        items = _schema(arguments[0])
        return core_schema.tuple_variable_schema(items) if origin is tuple else core_schema.list_schema(items)
    if origin in (dict, Mapping):
        return core_schema.dict_schema(_schema(arguments[0]), _schema(arguments[1]))
    hints = get_type_hints(kind)
    fields = []
    for one in dataclasses.fields(kind):
        schema = _schema(hints[one.name])
        if one.default is not dataclasses.MISSING:
            schema = core_schema.with_default_schema(schema, default=one.default)
        elif one.default_factory is not dataclasses.MISSING:
            schema = core_schema.with_default_schema(schema, default_factory=one.default_factory)
        fields.append(core_schema.dataclass_field(one.name, schema))
    # A field that this envman does not know may be what guards data: a newer envman wrote it.
    arguments_ = core_schema.dataclass_args_schema(kind.__name__, fields, extra_behavior="forbid")
    names = [one.name for one in dataclasses.fields(kind)]
    return core_schema.dataclass_schema(kind, arguments_, names, slots=True, frozen=True)
