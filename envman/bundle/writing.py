"""Writing a bundle: its files in order, then the list of them. The same files give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO

from envman.bundle.container import CONTENTS, END, BrokenBundleError, header, padding
from envman.bundle.contents import Contents, Part, contents_text
from envman.bundle.layers import measure

MODE = 0o600


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A file to be: its name and size, and how to read it, once. ``sha256`` where it is known before.

    ``layer``: its digest once it is unpacked, where it is an image's layer.
    """

    name: str
    size: int
    read: Callable[[], Iterable[bytes]]
    sha256: str | None = None
    executable: bool = False
    layer: str | None = None


def ingredient(name: str, data: bytes) -> Ingredient:
    """Return ``data`` as a file to be."""
    return Ingredient(name, len(data), lambda: (data,))


def write_bundle(file: IO[bytes], outline: Contents, ingredients: Iterable[Ingredient]) -> tuple[Contents, str]:
    """Write a bundle to ``file``; return ``outline`` with its files, and the SHA-256 of all of it.

    Raises:
        BrokenBundleError: where a file is not what was said of it.
        OSError: where it cannot be written.
    """
    output = _Hashed(file)
    parts = [_write(output, one) for one in sorted(ingredients, key=lambda one: one.name.encode())]
    contents = replace(outline, parts=tuple(parts))
    text = contents_text(contents)
    output.write(header(CONTENTS, len(text)))
    output.write(text)
    output.write(padding(len(text)) + END)
    return contents, output.digest.hexdigest()


class _Hashed:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self._file.write(data)


def _write(output: _Hashed, one: Ingredient) -> Part:
    output.write(header(one.name, one.size, executable=one.executable))
    digest = hashlib.sha256()
    size = 0

    def passing() -> Iterator[bytes]:
        nonlocal size
        for piece in one.read():
            size += len(piece)
            if size > one.size:
                break
            digest.update(piece)
            output.write(piece)
            yield piece

    unpacked = None
    if one.layer is not None:
        found, diff_id = measure(passing())
        if diff_id != one.layer:
            raise BrokenBundleError(f"layer {one.layer} came as another one")
        unpacked = found
    else:
        for _ in passing():
            pass
    if size != one.size or one.sha256 not in {None, digest.hexdigest()}:
        raise BrokenBundleError(f"{one.name} is damaged, or changed while it was copied")
    output.write(padding(size))
    return Part(one.name, size, digest.hexdigest(), one.executable, unpacked)
