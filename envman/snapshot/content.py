"""What a volume holds, as lines with checksums and as one digest that does not depend on the order of reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring_ascii as _quoted
from typing import Final

from envman.snapshot.tar import Entry

_MODULUS: Final = 1 << 256
_MOST_NAMED: Final = 5


def line_of(entry: Entry) -> bytes:
    """Return ``entry`` as a line of an index: a list in JSON, put together here because a snapshot makes many."""
    kind, path, mode, uid, gid, modified, size, sha256, target = entry
    numbers = f"{mode},{uid},{gid},{modified},{size}"
    return f'["{kind}",{_quoted(path)},{numbers},"{sha256}",{_quoted(target)}]\n'.encode()


def entry_of(line: bytes) -> Entry:
    """Return the entry that a line of an index holds.

    Raises:
        ValueError: where it holds none.
    """
    data = json.loads(line)
    if not isinstance(data, list) or len(data) != len(Entry._fields):
        raise ValueError("not an entry")
    return Entry(*data)


def entries_of(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of an index; raises ValueError where a line holds none."""
    return map(entry_of, lines)


class Content:
    """A digest of a volume's entries: the sum of their digests, so that no order matters and none is kept.

    Which of several hard-linked names a reader meets first is chance. So a file that has more names counts as one
    thing with all of them; that needs a second look at the entries, and only where there are such files.
    """

    def __init__(self) -> None:
        self.entries = 0
        self.bytes = 0
        self._sum = 0
        self._links: dict[str, list[str]] = {}

    def add(self, entry: Entry) -> bytes:
        """Count ``entry`` and return its line."""
        self.entries += 1
        self.bytes += entry.size
        line = line_of(entry)
        if entry.kind == "link":
            self._links.setdefault(entry.target, []).append(entry.path)
        else:
            self._sum += _mark(line)
        return line

    @property
    def needs_second_look(self) -> bool:
        """Whether ``finish`` wants the entries once more."""
        return bool(self._links)

    def finish(self, again: Iterable[Entry] = ()) -> str:
        """Return the digest; ``again`` are the entries once more where there are hard links."""
        for entry in again:
            names = self._links.get(entry.path) if entry.kind != "link" else None
            if names is not None:
                together = entry._replace(path="\0".join(sorted((entry.path, *names))))
                self._sum += _mark(line_of(together)) - _mark(line_of(entry))
        return f"{self._sum % _MODULUS:064x}"


def _mark(line: bytes) -> int:
    return int.from_bytes(hashlib.sha256(line).digest(), "big")


def differing(expected: Iterable[Entry], actual: Iterable[Entry]) -> list[str]:
    """Return some of the paths in which two volumes differ. Keeps one of them in memory: for an error's text only."""
    wanted = {entry.path: entry for entry in expected}
    found = []
    for entry in actual:
        other = wanted.pop(entry.path, None)
        if other is None or not _same(other, entry):
            found.append(entry.path)
    return [*found, *wanted][:_MOST_NAMED]


def _same(one: Entry, other: Entry) -> bool:
    if "link" in {one.kind, other.kind}:
        # Of two linked names either may be the one with the content.
        return {one.kind, other.kind} <= {"link", "file"} and one[2:6] == other[2:6]
    return one == other
