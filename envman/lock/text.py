"""A lock to its text and back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from envman.diagnostics import Report, Source, Span
from envman.diagnostics.diagnostic import fail
from envman.lock.lock import FORMAT, Lock, lock_path, plain
from envman.model.binding import bind
from envman.source.files import read_source
from envman.source.reader import read_tree
from envman.source.tree import Mapping, key_span, node_at, span_at
from envman.source.writer import write_yaml

_HEADER: Final = """\
# What exactly environment {environment} is made of. Review it like code; `envman lock {environment}` writes it anew.
"""


def sealed(**values: Any) -> Lock:
    """Return a lock of ``values``, all but its format and seal."""
    unsealed = Lock(lock=FORMAT, seal="", **values)
    return Lock(lock=FORMAT, seal=seal_of(plain(unsealed)), **values)


def seal_of(data: dict[str, Any]) -> str:
    """Return the digest of a lock's plain data without its seal."""
    content = {name: value for name, value in data.items() if name != "seal"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(canonical.encode('utf-8', 'surrogatepass')).hexdigest()}"


def lock_text(lock: Lock) -> str:
    """Return the file: the same lock is the same text everywhere."""
    return _HEADER.format(environment=lock.environment) + write_yaml(plain(lock))


class LockFile(NamedTuple):
    """A lock and the Tree that it was read from, which knows where everything stands."""

    lock: Lock
    tree: Mapping

    def span(self, *path: str) -> Span:
        """Return where the key at ``path`` stands."""
        return key_span(self.tree, path)


def read_lock(root: Path, environment: str) -> Lock | None:
    """Return the lock of ``environment`` in the project at ``root``, or None where there is none.

    Raises:
        EnvmanError: as ``read_lock_file``.
    """
    found = read_lock_file(root, environment)
    return None if found is None else found.lock


def read_lock_file(root: Path, environment: str) -> LockFile | None:
    """Return the lock of ``environment`` with its places, or None where there is none.

    Raises:
        EnvmanError: EV530 for the lock of a newer envman, EV531 for one that was changed by hand, EV542 for one of
            another environment, EV1xx for one that is not a lock at all.
    """
    path = root / lock_path(environment)
    if not path.exists():
        return None
    found = lock_in(read_source(path, root=root))
    if found.lock.environment != environment:
        raise fail(
            "EV542",
            f"this is the lock of {found.lock.environment}, not of {environment}",
            span_at(found.tree, ("environment",)),
            help=f"`envman lock {environment}` writes one for {environment}",
        )
    return found


def lock_in(source: Source) -> LockFile:
    """Return the lock in a text with its places. Raises as ``read_lock``."""
    report = Report()
    tree = read_tree(source, report)
    report.raise_errors()
    assert tree is not None  # there was no error
    made = node_at(tree, ("lock",))
    number = getattr(made, "value", None)
    if isinstance(number, int) and number > FORMAT:
        raise fail(
            "EV530",
            f"the lock has format {number}; this envman knows {FORMAT}",
            made.span if made is not None else None,
            help="upgrade envman, or write the lock anew with `envman lock`",
        )
    lock, data = bind(tree, Lock, report, what="a lock")
    report.raise_errors()
    assert lock is not None  # there was no error
    if seal_of(data) != lock.seal:
        seal = node_at(tree, ("seal",))
        raise fail(
            "EV531",
            "the lock was changed after envman wrote it: its seal does not fit",
            seal.span if seal is not None else None,
            help=f"`envman lock {lock.environment}` writes it anew; `git checkout` brings back what it was",
        )
    return LockFile(lock, tree)
