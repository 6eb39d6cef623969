"""YAML text to a Tree.

Events of libyaml's parser are composed here rather than by PyYAML's composer, because that one recurses (deep
nesting ends the process), resolves scalars by YAML 1.1, lets the last of two equal keys win, and forgets where keys
stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from envman.diagnostics import Diagnostic, EnvmanError, Note, Report, Source, Span
from envman.diagnostics.diagnostic import fail
from envman.diagnostics.limits import HELP, limit
from envman.source.indentation import wrong_indentation
from envman.source.scalars import HINTS, NULLS, is_time, resolve_plain
from envman.source.tree import Mapping, Node, Scalar, Sequence, Value

_parser: Callable[[str], Any]
try:
    # libyaml's bare event parser is ten times faster than PyYAML's own; `yaml` exports it only as part of loaders.
    from yaml._yaml import CParser as _parser  # noqa: N813 - used as a function
except ImportError:  # pragma: no cover - PyYAML built without libyaml
    _parser = yaml.SafeLoader

# What aliases expand to counts, as it would for Compose: under 1 KB of nested aliases costs it over 4 GB.
MOST_NODES: Final = 150_000
# Readers recurse, so no setting raises this.
DEEPEST: Final = 100
# A file with more mistakes than this is no blueprint, and nobody reads them all.
MOST_PROBLEMS: Final = 100

RESET: Final = "!reset"
OVERRIDE: Final = "!override"
_STANDARD: Final = "tag:yaml.org,2002:"
_MERGE: Final = _STANDARD + "merge"
# Standard tags that no value of a Compose file can have.
_REASONS: Final = {
    "binary": "write the text itself: bytes have no place in a Compose file",
    "merge": "it belongs to the key: `!!merge <<: *other`",
    "omap": "write a list of mappings",
    "pairs": "write a list of mappings",
    "set": "write a list, or a mapping with null as values",
    "timestamp": "write the time in quotes",
}
# Every character but those that YAML's production c-printable lists. (Listing those and negating takes Python 4 ms to
# compile.)
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BLOCK_STYLES: Final = frozenset({"|", ">"})
_TOP: Final = "a mapping, such as `services:`"
_make: Final[Any] = tuple.__new__


class _Open:
    """A collection whose end has not been read yet."""

    __slots__ = (
        "anchor",
        "count",
        "entries",
        "is_flow",
        "is_mapping",
        "items",
        "key",
        "key_span",
        "keys",
        "merges",
        "span",
        "tag",
    )

    def __init__(self, event: Any, *, is_mapping: bool, span: Span, tag: str | None, count: int) -> None:
        self.is_mapping = is_mapping
        self.is_flow: bool = event.flow_style
        self.span = span
        self.tag = tag
        self.anchor: str | None = event.anchor
        self.count = count
        self.items: list[Node] = []
        self.entries: dict[str, Node] = {}
        self.keys: dict[str, Span] = {}
        self.merges: list[tuple[Span, Node]] = []
        # The key that waits for its value: no span means that none does, a span without a text is that of `<<`.
        self.key: str | None = None
        self.key_span: Span | None = None


def read_tree(source: Source, report: Report) -> Mapping | None:
    """Return the mapping that ``source`` holds, or None where there are errors (added to ``report``)."""
    composer = _Composer(source)
    try:
        node = composer.compose()
    except EnvmanError as error:
        composer.problems.extend(error.diagnostics)
        node = None
    else:
        if node is None:
            place = Span(source, 1, 1, 1, 1)
            composer.problems.error("EV111", f"{source.name} is empty", place, expected=_TOP)
        elif not isinstance(node, Mapping):
            composer.problems.error("EV106", f"{source.name} holds {kind(node)}", node.span, expected=_TOP)
    report.extend(composer.problems.diagnostics)
    return node if isinstance(node, Mapping) and not composer.problems else None


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
    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems = Report()
        self.count = 0
        self.most = limit(MOST_NODES)
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.stack: list[_Open] = []
        self.root: Node | None = None
        # Where the last thing read ends. libyaml ends a block collection only where the next token starts.
        self.end = (1, 1)

    def compose(self) -> Node | None:
        """Return the document's node, or None where there is nothing but comments.

        Raises:
            EnvmanError: EV100 for what is no YAML.
        """
        text = self.source.text
        forbidden = _FORBIDDEN.search(text)
        if forbidden:
            raise fail(
                "EV100",
                "a control character stands in the text",
                self._place_of(forbidden.start()),
                expected=f"YAML allows no U+{ord(forbidden[0]):04X} here",
            )
        try:
            self._run(_parser(text))
        except yaml.MarkedYAMLError as error:
            raise EnvmanError(self._syntax_error(error)) from None
        if isinstance(self.root, Scalar) and self.root.value is None:
            return None
        return self.root

    def _place_of(self, position: int) -> Span:
        before = self.source.text[:position].splitlines(keepends=True)
        if not before or before[-1].splitlines()[0] != before[-1]:
            line, column = len(before) + 1, 1
        else:
            line, column = len(before), len(before[-1]) + 1
        return Span(self.source, line, column, line, column + 1)

    def _run(self, events: Any) -> None:
        get_event, scalar = events.get_event, self._scalar
        documents = 0
        while True:
            event = get_event()
            of = event.__class__
            if of is ScalarEvent:
                scalar(event)
            elif of is MappingStartEvent or of is SequenceStartEvent:
                self._start(event, is_mapping=of is MappingStartEvent)
            elif of is MappingEndEvent or of is SequenceEndEvent:
                self._end(event)
            elif of is AliasEvent:
                self._alias(event)
            elif of is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise fail(
                        "EV100",
                        "a second document starts here",
                        self._span(event),
                        expected="one document a file",
                        help="put each environment into a file of its own",
                    )
            elif of is StreamEndEvent:
                return

    def _problem(self, diagnostic: Diagnostic) -> None:
        self.problems.add(diagnostic)
        if len(self.problems.diagnostics) >= MOST_PROBLEMS:
            raise fail("EV100", f"more than {MOST_PROBLEMS} problems: the rest is not read", diagnostic.span)

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _scalar(self, event: Any) -> None:
        # Four of five events are scalars: this is written for speed, as far as `tuple.__new__` past the named tuples'
        # own constructors and a key's common case ahead of `_key`.
        start, end = event.start_mark, event.end_mark
        place = (end.line + 1, end.column + 1)
        if place[1] == 1 and event.style in _BLOCK_STYLES:
            place = self._end_of_block(start.line + 1, place[0])
        self.end = place
        span = _make(Span, (self.source, start.line + 1, start.column + 1, *place))
        text, tag = event.value, event.tag
        if tag is None:
            value = text if not event.implicit[0] or (text and text[0] not in HINTS) else self._plain(text, span)
        else:
            value, tag = self._tagged(tag, text, span, plain=not event.style)
        self.count += 1
        if self.count > self.most:
            raise self._too_many(span)
        parent = self.stack[-1] if self.stack else None
        if parent is not None and parent.is_mapping and parent.key_span is None:
            if event.anchor:
                self.anchors[event.anchor] = (Scalar(value, span), 1)
            if value.__class__ is str and text != "<<" and text not in parent.keys:
                parent.key, parent.key_span = text, span
            else:
                self._key(parent, event, value, span)
            return
        node = _make(Scalar, (value, span, tag, None, (), None))
        if event.anchor:
            self.anchors[event.anchor] = (node, 1)
        self._place(node)

    def _plain(self, text: str, span: Span) -> Value:
        value = resolve_plain(text)
        if value.__class__ is str and is_time(text):
            # A string to YAML 1.2, a time to go-yaml: Compose refuses it, or changes it in an extension.
            self._problem(Diagnostic("EV106", f"{text} is a time", span, "a string", help=f'write "{text}" in quotes'))
        return value

    def _end_of_block(self, first: int, last: int) -> tuple[int, int]:
        for number in range(last - 1, first, -1):
            line = self.source.line(number).rstrip()
            if line:
                return number, len(line) + 1
        return first, len(self.source.line(first)) + 1

    def _tagged(self, tag: str, text: str, span: Span, *, plain: bool) -> tuple[Value, str | None]:
        if tag in {RESET, OVERRIDE}:
            return (resolve_plain(text) if plain else text), tag
        if tag == _STANDARD + "str" or (tag == _MERGE and self._is_key()):
            return text, None
        if tag == "!":
            return (resolve_plain(text) if plain else text), None  # YAML says a string, go-yaml and Compose do not
        resolved = resolve_plain(text)
        wanted = tag.removeprefix(_STANDARD)
        fits = {
            "int": isinstance(resolved, int) and not isinstance(resolved, bool),
            "float": isinstance(resolved, int | float) and not isinstance(resolved, bool),
            "bool": isinstance(resolved, bool),
            "null": text in NULLS,
        }
        if not tag.startswith(_STANDARD) or wanted not in fits:
            self._problem(_unknown_tag(tag, span))
            return text, None
        if not fits[wanted]:
            message = f"{text!r} is not a YAML {wanted}"
            self._problem(Diagnostic("EV106", message, span, f"a value that is a {wanted}"))
        return (float(resolved) if wanted == "float" and isinstance(resolved, int) else resolved), None

    def _is_key(self) -> bool:
        """Whether what is read next is a key of a mapping."""
        return bool(self.stack) and self.stack[-1].is_mapping and self.stack[-1].key_span is None

    def _key(self, parent: _Open, event: Any, value: Value, span: Span) -> None:
        text: str = event.value
        is_merge = text == "<<" and (event.implicit[0] or event.tag == _MERGE)
        if not isinstance(value, str):
            advice = f'write "{text}" in quotes'
            self._problem(Diagnostic("EV106", f"the key is {kind_of(value)}", span, "a string", help=advice))
        first = parent.keys.get(text) if not is_merge else parent.merges[-1][0] if parent.merges else None
        if first is not None:
            self._problem(
                Diagnostic(
                    "EV101",
                    f'"{text}" stands twice in this mapping',
                    span,
                    "one list of all that is merged" if is_merge else "a key that is not there yet",
                    (Note("first written here", first),),
                    "write `<<: [*one, *other]`"
                    if is_merge
                    else "remove one of the two: YAML would silently keep the last",
                )
            )
        parent.key, parent.key_span = None if is_merge else text, span

    def _start(self, event: Any, *, is_mapping: bool) -> None:
        span = self._span(event)
        self.end = (span.end_line, span.end_column)
        if len(self.stack) >= DEEPEST:
            raise fail("EV110", f"nested deeper than {DEEPEST} levels", span, expected="a flatter file")
        if self._is_key():
            raise fail("EV106", "the key is a collection", span, expected="a string as key")
        tag = event.tag
        if tag in {"!", _STANDARD + "map", _STANDARD + "seq"}:
            tag = None
        if tag is not None and tag not in {RESET, OVERRIDE}:
            self._problem(_unknown_tag(tag, span))
            tag = None
        self.stack.append(_Open(event, is_mapping=is_mapping, span=span, tag=tag, count=self.count))
        self._count(1, span)

    def _end(self, event: Any) -> None:
        done = self.stack.pop()
        start = done.span
        if done.is_flow:
            self.end = (event.end_mark.line + 1, event.end_mark.column + 1)
        span = Span(self.source, start.line, start.column, *self.end)
        if done.is_mapping:
            node: Node = Mapping(self._merged(done) if done.merges else done.entries, done.keys, span, done.tag)
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
                    self._problem(Diagnostic("EV106", f"<< merges {kind(part)}", span, "a mapping or a list of them"))
                    continue
                for key, inherited in part.entries.items():
                    if key not in done.entries:
                        done.entries[key] = inherited
                        done.keys[key] = part.keys[key]
        return done.entries

    def _alias(self, event: Any) -> None:
        span = self._span(event)
        self.end = (span.end_line, span.end_column)
        if event.anchor not in self.anchors:
            open_anchors = {one.anchor for one in self.stack}
            why = "refers to a value that holds it" if event.anchor in open_anchors else "has no anchor before it"
            raise fail("EV100", f"*{event.anchor} {why}", span, expected=f"&{event.anchor} on an earlier value")
        if self._is_key():
            raise fail("EV106", "the key is an alias", span, expected="a string as key")
        node, size = self.anchors[event.anchor]
        self._count(size, span)
        self._place(node)

    def _count(self, size: int, span: Span) -> None:
        self.count += size
        if self.count > self.most:
            raise self._too_many(span)

    def _too_many(self, span: Span) -> EnvmanError:
        message = f"more than {self.most:,} values, aliases expanded"
        return fail("EV110", message, span, expected="fewer aliases", help=HELP)

    def _place(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        if not parent.is_mapping:
            parent.items.append(node)
            return
        key, key_span = parent.key, parent.key_span
        assert key_span is not None  # libyaml gives every value its key first
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
        if span is not None and (indented := wrong_indentation(self.source, span, problem)) is not None:
            return indented
        notes: tuple[Note, ...] = ()
        context = error.context_mark
        if context is not None and error.context and (mark is None or context.line != mark.line):
            here = Span(self.source, context.line + 1, context.column + 1, context.line + 1, context.column + 2)
            notes = (Note(str(error.context), here),)
        return Diagnostic("EV100", problem, span, notes=notes)


def _unknown_tag(tag: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "EV109",
        f"unknown tag {shorthand(tag)}",
        span,
        expected="!reset, !override or a standard tag",
        help=_REASONS.get(tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else "")
        or "!reset removes an inherited value, !override replaces it whole",
    )


def shorthand(tag: str) -> str:
    """Return a tag as it is written in YAML: ``!!binary`` rather than its full address."""
    return "!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag
