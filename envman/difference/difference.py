"""Two Compose files as plain data to what differs between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from envman import LABEL_PREFIX
from envman.difference.groups import Group, group_of
from envman.difference.identity import by_identity
from envman.difference.meaning import goes_without_saying, same
from envman.source.tree import Path

_SECTIONS_OF_A_SERVICE: Final = (("deploy", "resources"), ("deploy", "resources", "limits"))


class _Absent:
    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    ``path`` names the entries of lists (``services.api.ports.http.published``); ``left`` and ``right`` are the values,
    ABSENT where a side has none; ``left_at`` and ``right_at`` are where they stand in each side's data.
    """

    path: tuple[str, ...]
    left: Any
    right: Any
    left_at: Path | None
    right_at: Path | None

    @property
    def group(self) -> Group:
        """What it is about."""
        return group_of(self.path)

    @property
    def service(self) -> str | None:
        """The service that it is about, if it is about one."""
        return self.path[1] if self.path[0] == "services" and len(self.path) > 1 else None


def difference(left: dict[str, Any], right: dict[str, Any]) -> tuple[Change, ...]:
    """Return what differs in meaning between two Compose files, by group and then in the order written.

    Both are in the long form, as blueprints are once they are merged, and as Documents are. The project's name and
    envman's identity labels say which environment it is and are no difference.
    """
    changes = _mappings((), left, right, (), ())
    order = list(Group)
    return tuple(sorted(changes, key=lambda one: order.index(one.group)))


def _mappings(
    path: tuple[str, ...], left: dict[str, Any], right: dict[str, Any], left_at: Path, right_at: Path
) -> Iterator[Change]:
    for key in dict.fromkeys((*left, *right)):
        if _is_no_difference(path, key):
            continue
        yield from _values(
            (*path, key), left.get(key, ABSENT), right.get(key, ABSENT), (*left_at, key), (*right_at, key)
        )


def _is_no_difference(path: tuple[str, ...], key: str) -> bool:
    # Extensions at the top are where people keep their anchors; what they are used for is compared where it is used.
    return key.startswith(LABEL_PREFIX) or (not path and (key == "name" or key.startswith("x-")))


def _values(path: tuple[str, ...], left: Any, right: Any, left_at: Path, right_at: Path) -> Iterator[Change]:
    if left is ABSENT or right is ABSENT:
        yield from _one_sided(path, left, right, left_at, right_at)
    elif isinstance(left, dict) and isinstance(right, dict) and not _is_another_thing(path, left, right):
        yield from _mappings(path, left, right, left_at, right_at)
    elif isinstance(left, list) and isinstance(right, list) and (places := by_identity(path, left, right)):
        ours, theirs = places
        for name in dict.fromkeys((*ours, *theirs)):
            first, second = ours.get(name), theirs.get(name)
            yield from _values(
                (*path, name),
                ABSENT if first is None else left[first],
                ABSENT if second is None else right[second],
                left_at if first is None else (*left_at, first),
                right_at if second is None else (*right_at, second),
            )
    elif not same(path, left, right):
        yield Change(path, left, right, left_at, right_at)


def _is_another_thing(path: tuple[str, ...], left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether two entries have no more in common than their place: a bind and a volume at one target."""
    return len(path) == 4 and path[2] == "volumes" and left.get("type") != right.get("type")


def _one_sided(path: tuple[str, ...], left: Any, right: Any, left_at: Path, right_at: Path) -> Iterator[Change]:
    value = right if left is ABSENT else left
    if goes_without_saying(path, value):
        return
    # Sections and attributes are told by what is in them; an entry with a name of its own is told as a whole.
    if value and _is_told_by_its_parts(path, value):
        nothing: Any = type(value)()
        ours, theirs = (nothing if left is ABSENT else left), (nothing if right is ABSENT else right)
        yield from _values(path, ours, theirs, left_at, right_at)
    else:
        yield Change(path, left, right, None if left is ABSENT else left_at, None if right is ABSENT else right_at)


def _is_told_by_its_parts(path: tuple[str, ...], value: Any) -> bool:
    if path[2:] not in _SECTIONS_OF_A_SERVICE and len(path) not in {1, 3}:
        return False
    return isinstance(value, dict) or (isinstance(value, list) and by_identity(path, value, value) is not None)
