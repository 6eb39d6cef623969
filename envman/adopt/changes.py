"""Changes to a document: what its data becomes, and the least that its text needs for that.

A change is kept by the place it is about, not by a path: where an anchor lends a value to several paths, one edit of
the text changes all of them, and so the data. Whoever asks for a change sees a Tree with the new values at the old
places, so that a diagnostic about them points into the file that the author knows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from envman.diagnostics import Report, Source, Span
from envman.source.reader import read_tree
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, Value, plain
from envman.source.writer import quote, write_key, write_scalar

# An anchor, a tag, and a comment behind them.
_PROPERTIES: Final = re.compile(r"(?:(?:&[^\s,\[\]{}]++|![^\s,\[\]{}]*+)\s++(?:#[^\n]*+\n\s*+)*+)*+")
# A number or word that needs no quotes anywhere.
_ALIAS: Final = re.compile(r"\s*\*[^\s,\[\]{}]+")
_BARE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*|[./][A-Za-z0-9_./-]+")


class WrittenOut(NamedTuple):
    """What takes the place of one value: the first ``new`` entries stand before what is written there already."""

    data: Any
    tag: str
    new: int


@dataclass(slots=True)
class Changes:
    """What becomes of one document. ``rewrite`` turns the raw text of a scalar to that of its new value, if it can."""

    tree: Mapping
    scalars: dict[Span, tuple[Value, Callable[[str], str] | None]] = field(default_factory=dict)
    removed: dict[Span, str] = field(default_factory=dict)
    added: dict[Span, dict[str, Any]] = field(default_factory=dict)
    written: dict[Path, WrittenOut] = field(default_factory=dict)

    def set_scalar(self, node: Scalar, value: Value, raw: Callable[[str], str] | None = None) -> None:
        """Give ``node`` another value; ``raw`` makes the new text of the old where no quoting has to change."""
        self.scalars[node.span] = (value, raw)

    def remove(self, key: Span, why: str) -> None:
        """Comment out the entry whose key stands at ``key``; ``why`` ends the comment."""
        self.removed[key] = why

    def write_out(self, path: Path, data: Any, tag: str, *, new: int = 0) -> None:
        """Put ``data`` with ``tag`` at ``path`` alone, whatever else has the value that stands there.

        The first ``new`` entries of a list are put before those that are written there already; 0 writes all anew.
        """
        self.written[path] = WrittenOut(data, tag, new)

    def add(self, node: Mapping, entries: dict[str, Any]) -> None:
        """Put ``entries`` before those of ``node``."""
        self.added.setdefault(node.span, {}).update(entries)

    def current(self) -> Mapping:
        """Return the Tree with every change made, at the places of the original."""
        changed = self._changed(self.tree, ())
        assert isinstance(changed, Mapping)  # nothing puts another kind of node at the top
        return changed

    def _changed(self, node: Node, path: Path) -> Node:
        if path in self.written:
            written = self.written[path]
            return as_node(written.data, node.span)._replace(tag=written.tag)
        if isinstance(node, Scalar):
            found = self.scalars.get(node.span)
            return node if found is None else node._replace(value=found[0])
        if isinstance(node, Sequence):
            items = (self._changed(item, (*path, index)) for index, item in enumerate(node.items))
            return node._replace(items=tuple(items))
        added = self.added.get(node.span, {})
        entries = {key: as_node(value, node.span) for key, value in added.items()}
        keys = dict.fromkeys(added, node.span)
        for key, value in node.entries.items():
            if node.keys[key] not in self.removed:
                entries[key] = self._changed(value, (*path, key))
                keys[key] = node.keys[key]
        if path and not entries and node.entries and not _is_flow(node):
            return Scalar(None, node.span, node.tag)  # a block whose last line is a comment now
        return node._replace(entries=entries, keys=keys)

    def text(self) -> str | None:
        """Return the document's text with the changes made, or None where that cannot be done in place."""
        edits = _Edits(self)
        edits.collect(self.tree, ())
        text = edits.apply()
        made = read_tree(Source(self.tree.span.source.name, text), Report())
        return text if made is not None and alike(made, self.current()) else None


def as_node(data: Any, span: Span) -> Node:
    """Return plain ``data`` as a Tree that stands at ``span``."""
    if isinstance(data, dict):
        return Mapping({key: as_node(value, span) for key, value in data.items()}, dict.fromkeys(data, span), span)
    if isinstance(data, list):
        return Sequence(tuple(as_node(item, span) for item in data), span)
    return Scalar(data, span)


def alike(one: Node, other: Node) -> bool:
    """Whether two Trees hold the same values and tags, wherever they stand."""
    if one.tag != other.tag:
        return False
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.entries.keys() == other.entries.keys() and all(
            alike(value, other.entries[key]) for key, value in one.entries.items()
        )
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one.items) == len(other.items) and all(map(alike, one.items, other.items))
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        return type(one.value) is type(other.value) and repr(one.value) == repr(other.value)
    return False


def written_anew(node: Node, indent: str = "") -> str:
    """Return a Tree as block-style YAML, tags kept; anchors are written out."""
    lines: list[str] = []
    entries: list[tuple[str, Node]] = []
    if isinstance(node, Mapping):
        entries = [(f"{write_key(key)}:", value) for key, value in node.entries.items()]
    elif isinstance(node, Sequence):
        entries = [("-", item) for item in node.items]
    for start, value in entries:
        tag = f" {value.tag}" if value.tag else ""
        if isinstance(value, Scalar) or not (value.entries if isinstance(value, Mapping) else value.items):
            lines.append(f"{indent}{start}{tag} {flow(plain(value))}\n")
        else:
            lines.append(f"{indent}{start}{tag}\n{written_anew(value, indent + '  ')}")
    return "".join(lines)


def _is_flow(node: Mapping | Sequence) -> bool:
    span = node.span
    rest = span.source.line(span.line)[span.column - 1 :]
    bare = _PROPERTIES.sub("", rest, count=1)
    return bare.startswith(("{", "["))


class _Edits:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.source = changes.tree.span.source
        text = self.source.text
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.edits: dict[tuple[int, int], str] = {}

    def offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column - 1

    def column(self, offset: int) -> int:
        """Return how many characters stand before ``offset`` in its line."""
        return offset - self.starts[bisect_right(self.starts, offset) - 1]

    def apply(self) -> str:
        text = self.source.text
        done = len(text)
        parts: list[str] = []
        for (start, end), new in sorted(self.edits.items(), reverse=True):
            if end > done:
                continue  # inside of what is replaced as a whole
            parts.append(text[end:done])
            parts.append(new)
            done = start
        return text[:done] + "".join(reversed(parts))

    def collect(self, node: Node, path: Path) -> None:
        changes, span = self.changes, node.span
        start, end = self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)
        start += len(_PROPERTIES.match(self.source.text, start, end)[0])  # type: ignore[index]
        if isinstance(node, Scalar):
            if span in changes.scalars:
                new, raw = changes.scalars[span]
                self.edits[start, end] = self._scalar(self.source.text[start:end], new, raw, start)
        elif isinstance(node, Sequence):
            for index, item in enumerate(node.items):
                self.collect(item, (*path, index))
        else:
            for key, value in node.entries.items():
                if node.keys[key] in changes.removed:
                    self._remove(node, key, changes.removed[node.keys[key]])
                elif (*path, key) in changes.written:
                    self._write_out(node.keys[key], value, changes.written[*path, key])
                else:
                    self.collect(value, (*path, key))
            if span in changes.added:
                self._add(node, changes.added[span], start)

    def _scalar(self, old: str, value: Value, raw: Callable[[str], str] | None, start: int) -> str:
        if raw is not None:
            new = raw(old)
            # In a flow collection braces and commas end a plain scalar: reading tells.
            if old[:1] in "|>" or _reads_as(new, value):
                return new
        # A key without a value has no space behind its colon.
        space = "" if old or self.source.text[start - 1 : start].isspace() else " "
        if not isinstance(value, str):
            return space + write_scalar(value)
        return space + (value if _BARE.fullmatch(value) and _reads_as(value, value) else quote(value))

    def _write_out(self, key: Span, node: Node, written: WrittenOut) -> None:
        text, span = self.source.text, node.span
        colon = text.index(":", self.offset(key.end_line, key.end_column)) + 1
        alias = _ALIAS.match(text, colon)
        if alias is not None:
            self.edits[colon, alias.end()] = f" {written.tag} {flow(written.data)}"
            return
        self.edits[colon, colon] = f" {written.tag}"
        start, end = self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)
        start += len(_PROPERTIES.match(text, start, end)[0])  # type: ignore[index]
        if written.new and isinstance(node, Sequence):
            for index, item in enumerate(node.items):
                self.collect(item, (key, index))  # type: ignore[arg-type] # a path that nothing is written out at
            self._prepend(node, written.data[: written.new], start)
        else:
            space = "" if end > start else " "
            self.edits[start, end] = space + self._listed(written.data, span)

    def _listed(self, data: Any, span: Span) -> str:
        """Return ``data`` in flow style, a list one item a line."""
        if not isinstance(data, list) or not data:
            return flow(data)
        line = self.source.line(span.line)
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        items = "".join(f"{self.newline}{indent}{flow(item)}," for item in data)
        return f"[{items}{self.newline}{indent[:-2]}]"

    def _prepend(self, node: Sequence, items: list[Any], start: int) -> None:
        if _is_flow(node):
            separator = ", " if node.items else ""
            self.edits[start + 1, start + 1] = ", ".join(map(flow, items)) + separator
            return
        indent = " " * self.column(start)
        self.edits[start, start] = "".join(f"- {flow(item)}{self.newline}{indent}" for item in items)

    def _add(self, node: Mapping, entries: dict[str, Any], start: int) -> None:
        pairs = [f"{write_key(key)}: {flow(value)}" for key, value in entries.items()]
        if _is_flow(node):
            self.edits[start + 1, start + 1] = ", ".join(pairs) + (", " if node.entries else "")
            return
        indent = " " * self.column(start)
        self.edits[start, start] = "".join(f"{pair}{self.newline}{indent}" for pair in pairs)

    def _remove(self, node: Mapping, key: str, why: str) -> None:
        at, value = node.keys[key], node.entries[key]
        if _is_flow(node):
            self._remove_from_flow(node, key)
            return
        last = max(at.line, value.span.end_line)
        if value.span.line < at.line or (value.span.line, value.span.column) <= (at.line, at.column):
            last = at.line  # an alias: its value stands elsewhere
        before = self.source.line(at.line)[: at.column - 1]
        if before.strip():
            # The first key behind a dash: the next one has to take its place.
            self._remove_from_flow(node, key)
            return
        for number in range(at.line, last + 1):
            place = self.starts[number - 1] + (at.column - 1 if self.source.line(number).strip() else 0)
            self.edits[place, place] = "# "
        line = self.source.line(last)
        if last == at.line and "#" not in line and why:
            place = self.starts[last - 1] + len(line)
            self.edits[place, place] = f"  # {why}"

    def _remove_from_flow(self, node: Mapping, key: str) -> None:
        at = node.keys[key]
        start = self.offset(at.line, at.column)
        following = [
            self.offset(other.line, other.column)
            for other in node.keys.values()
            if (other.line, other.column) > at[1:3]
        ]
        if following:
            self.edits[start, min(following)] = ""
            return
        value = node.entries[key].span
        end = self.offset(value.end_line, value.end_column)
        text = self.source.text
        comma = text.rfind(",", 0, start)
        if comma >= 0 and not text[comma + 1 : start].strip():
            start = comma
        self.edits[start, max(start, end)] = ""


def flow(data: Any) -> str:
    """Return plain data as YAML on one line."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{write_key(key)}: {flow(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(flow, data)) + "]"
    return write_scalar(data)


def _reads_as(text: str, value: Value) -> bool:
    """Whether ``text`` is one scalar with ``value`` wherever it stands, in a flow collection too."""
    made = read_tree(Source("", f"a: [{text}]\nb: {text}\n"), Report())
    return made is not None and alike(made, as_node({"a": [value], "b": value}, made.span))
