"""YAML text to a Tree.

Events of libyaml's parser are composed here rather than by PyYAML's composer, because that one recurses (deep
nesting ends the process), resolves scalars by YAML 1.1, lets the last of two equal keys win, and forgets where keys
stand.
"""

from __future__ import annotations

from typing import Any, Final, cast

import yaml

from envman.diagnostics import Diagnostic, EnvmanError, Note, Report, Source, Span
from envman.diagnostics.diagnostic import fail
from envman.source.scalars import CONSTANTS, NULLS, resolve_plain
from envman.source.tree import Mapping, Node, Scalar, Sequence, Value

# What aliases expand to counts, as it would for Compose: under 1 KB of nested aliases costs it over 4 GB.
MOST_NODES: Final = 400_000
DEEPEST: Final = 100

RESET: Final = "!reset"
OVERRIDE: Final = "!override"
_STANDARD: Final = "tag:yaml.org,2002:"

_Parser: Any = getattr(yaml, "CParser", None)


class _Events(_Parser or yaml.SafeLoader):  # type: ignore[misc]
    """libyaml's event parser; PyYAML's own where the wheel was built without libyaml."""

    def __init__(self, text: str) -> None:
        super().__init__(text)


class _Open:
    """A collection whose end has not been read yet."""

    __slots__ = (
        "anchor",
        "count",
        "entries",
        "is_mapping",
        "items",
        "key",
        "key_span",
        "keys",
        "merges",
        "span",
        "tag",
    )

    def __init__(self, *, is_mapping: bool, span: Span, tag: str | None, anchor: str | None, count: int) -> None:
        self.is_mapping = is_mapping
        self.span = span
        self.tag = tag
        self.anchor = anchor
        self.count = count
        self.items: list[Node] = []
        self.entries: dict[str, Node] = {}
        self.keys: dict[str, Span] = {}
        self.merges: list[tuple[Span, Node]] = []
        self.key: str | None = None
        self.key_span: Span | None = None


def read_tree(source: Source, report: Report) -> Mapping | None:
    """Return the mapping that ``source`` holds, or None where there are errors (added to ``report``)."""
    before = len(report.errors)
    try:
        node = _Composer(source, report).compose()
    except EnvmanError as error:
        report.extend(error.diagnostics)
        return None
    if node is None:
        place = Span(source, 1, 1, 1, 1)
        report.error("EV111", f"{source.name} is empty", place, expected="a mapping, such as `services:`")
        return None
    if not isinstance(node, Mapping):
        report.error("EV106", f"{source.name} holds {kind(node)}", node.span, expected="a mapping, such as `services:`")
        return None
    return node if len(report.errors) == before else None


def kind(node: Node) -> str:
    """Return what ``node`` is, in words."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return kind_of(node.value)


def kind_of(value: Value) -> str:
    """Return what a scalar is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    return "a number" if isinstance(value, float) else "a string"


class _Composer:
    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.report = report
        self.count = 0
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.stack: list[_Open] = []
        self.root: Node | None = None

    def compose(self) -> Node | None:
        try:
            self._run(_Events(self.source.text))
        except yaml.MarkedYAMLError as error:
            raise EnvmanError(self._syntax_error(error)) from None
        except yaml.reader.ReaderError as error:
            text = self.source.text
            position = min(cast("int", error.position), max(len(text) - 1, 0))
            line = text.count("\n", 0, position) + 1
            column = position - (text.rfind("\n", 0, position) + 1) + 1
            raise fail(
                "EV100",
                "a control character stands in the text",
                Span(self.source, line, column, line, column + 1),
                expected=f"YAML allows no U+{ord(str(error.character)[0]) if isinstance(error.character, str) else error.character:04X} here",
            ) from None
        if isinstance(self.root, Scalar) and self.root.value is None and self.root.span.line == self.root.span.end_line:
            return None
        return self.root

    def _run(self, events: Any) -> None:
        documents = 0
        while True:
            event = events.get_event()
            kind_name = type(event)
            if kind_name is yaml.ScalarEvent:
                self._scalar(event)
            elif kind_name is yaml.MappingStartEvent or kind_name is yaml.SequenceStartEvent:
                self._start(event, is_mapping=kind_name is yaml.MappingStartEvent)
            elif kind_name is yaml.MappingEndEvent or kind_name is yaml.SequenceEndEvent:
                self._end(event)
            elif kind_name is yaml.AliasEvent:
                self._alias(event)
            elif kind_name is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise fail(
                        "EV100",
                        "a second document starts here",
                        self._span(event),
                        expected="one document a file",
                        help="put each environment into a file of its own",
                    )
            elif kind_name is yaml.StreamEndEvent:
                return

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _scalar(self, event: Any) -> None:
        span = self._span(event)
        tag = event.tag
        if tag is None:
            value: Value = resolve_plain(event.value) if event.implicit[0] else event.value
        else:
            value, tag = self._tagged(tag, event.value, span, plain=event.style in (None, ""))
        self._count(1, span)
        stack = self.stack
        if stack and stack[-1].is_mapping and stack[-1].key_span is None:
            self._key(stack[-1], event, value, span)
            if event.anchor:
                self.anchors[event.anchor] = (Scalar(value, span), 1)
            return
        node = Scalar(value, span, tag)
        if event.anchor:
            self.anchors[event.anchor] = (node, 1)
        self._place(node)

    def _tagged(self, tag: str, text: str, span: Span, *, plain: bool) -> tuple[Value, str | None]:
        if tag in {RESET, OVERRIDE}:
            return (resolve_plain(text) if plain else text), tag
        if tag in {"!", _STANDARD + "str"}:
            return text, None
        resolved = resolve_plain(text)
        wanted = tag.removeprefix(_STANDARD)
        fits = {
            "int": isinstance(resolved, int) and not isinstance(resolved, bool),
            "float": isinstance(resolved, int | float) and not isinstance(resolved, bool),
            "bool": isinstance(resolved, bool),
            "null": text in NULLS,
        }
        if wanted not in fits:
            self.report.error(
                "EV109",
                f"unknown tag {shorthand(tag)}",
                span,
                expected="!reset, !override or a standard tag",
                help="!reset removes an inherited value, !override replaces it whole",
            )
            return text, None
        if not fits[wanted]:
            self.report.error("EV106", f"{text!r} is not a YAML {wanted}", span, expected=f"a value that is a {wanted}")
        return (float(resolved) if wanted == "float" and isinstance(resolved, int) else resolved), None

    def _key(self, parent: _Open, event: Any, value: Value, span: Span) -> None:
        if value == "<<" and event.implicit[0]:
            parent.key, parent.key_span = None, span
            return
        text: str = event.value
        if not isinstance(value, str) and not (isinstance(value, bool | int | float) and text not in CONSTANTS):
            self.report.error(
                "EV106", f"the key is {kind_of(value)}", span, expected="a string", help=f'write "{text}" in quotes'
            )
        elif not isinstance(value, str):
            self.report.error(
                "EV106", f"the key is {kind_of(value)}", span, expected="a string", help=f'write "{text}" in quotes'
            )
        if text in parent.keys:
            first = parent.keys[text]
            self.report.error(
                "EV101",
                f'"{text}" stands twice in this mapping',
                span,
                expected="a key that is not there yet",
                notes=(Note("first written here", first),),
                help="remove one of the two: YAML would silently keep the last",
            )
        parent.key, parent.key_span = text, span

    def _start(self, event: Any, *, is_mapping: bool) -> None:
        span = self._span(event)
        if len(self.stack) >= DEEPEST:
            raise fail("EV110", f"nested deeper than {DEEPEST} levels", span, expected="a flatter file")
        if self.stack and self.stack[-1].is_mapping and self.stack[-1].key_span is None:
            raise fail("EV106", "the key is a collection", span, expected="a string as key")
        tag = event.tag
        if tag in {"!", _STANDARD + "map", _STANDARD + "seq"}:
            tag = None
        if tag is not None and tag not in {RESET, OVERRIDE}:
            self.report.error(
                "EV109",
                f"unknown tag {shorthand(tag)}",
                span,
                expected="!reset, !override or a standard tag",
                help="!reset removes an inherited value, !override replaces it whole",
            )
            tag = None
        self.stack.append(_Open(is_mapping=is_mapping, span=span, tag=tag, anchor=event.anchor, count=self.count))
        self._count(1, span)

    def _end(self, event: Any) -> None:
        done = self.stack.pop()
        start = done.span
        span = Span(self.source, start.line, start.column, event.end_mark.line + 1, event.end_mark.column + 1)
        if done.is_mapping:
            node: Node = Mapping(self._merged(done), done.keys, span, done.tag)
        else:
            node = Sequence(tuple(done.items), span, done.tag)
        if done.anchor:
            self.anchors[done.anchor] = (node, self.count - done.count)
        self._place(node)

    def _merged(self, done: _Open) -> dict[str, Node]:
        for span, value in done.merges:
            parts = value.items if isinstance(value, Sequence) else (value,)
            for part in parts:
                if not isinstance(part, Mapping):
                    self.report.error("EV106", f"<< merges {kind(part)}", span, expected="a mapping or a list of them")
                    continue
                for key, inherited in part.entries.items():
                    if key not in done.entries:
                        done.entries[key] = inherited
                        done.keys[key] = part.keys[key]
        return done.entries

    def _alias(self, event: Any) -> None:
        span = self._span(event)
        if event.anchor not in self.anchors:
            open_anchors = {one.anchor for one in self.stack}
            why = "refers to a value that holds it" if event.anchor in open_anchors else "has no anchor before it"
            raise fail("EV100", f"*{event.anchor} {why}", span, expected=f"&{event.anchor} on an earlier value")
        node, size = self.anchors[event.anchor]
        self._count(size, span)
        if self.stack and self.stack[-1].is_mapping and self.stack[-1].key_span is None:
            raise fail("EV106", "the key is an alias", span, expected="a string as key")
        self._place(node)

    def _count(self, size: int, span: Span) -> None:
        self.count += size
        if self.count > MOST_NODES:
            raise fail("EV110", f"more than {MOST_NODES:,} values, aliases expanded", span, expected="fewer aliases")

    def _place(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        if not parent.is_mapping:
            parent.items.append(node)
            return
        key, key_span = parent.key, cast("Span", parent.key_span)
        parent.key = parent.key_span = None
        if key is None:
            parent.merges.append((key_span, node))
        elif key not in parent.keys:
            parent.entries[key] = node
            parent.keys[key] = key_span

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> Diagnostic:
        mark = error.problem_mark or error.context_mark
        span = None
        if mark is not None:
            span = Span(self.source, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        problem = str(error.problem or error.context or "not valid YAML")
        line = self.source.line(span.line) if span else ""
        if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
            return Diagnostic(
                "EV100", "a tab is used for indentation", span, expected="spaces", help="YAML allows spaces only"
            )
        notes: tuple[Note, ...] = ()
        context = error.context_mark
        if context is not None and error.context and (mark is None or context.line != mark.line):
            here = Span(self.source, context.line + 1, context.column + 1, context.line + 1, context.column + 2)
            notes = (Note(str(error.context), here),)
        return Diagnostic("EV100", problem, span, notes=notes)


def shorthand(tag: str) -> str:
    """Return a tag as it is written in YAML: ``!!binary`` rather than its full address."""
    return "!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag
