"""Which images a Dockerfile starts from: those that its target stage reaches, with build arguments filled in.

Source: https://docs.docker.com/reference/dockerfile/, and for what it leaves open BuildKit's own parser
(github.com/moby/buildkit, ``frontend/dockerfile``): stages are told by name in any case of letters or by number, a
named context goes before a stage and an image of its name, and ``COPY --from`` and ``RUN --mount`` take no variables.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from envman.diagnostics import Source, Span
from envman.diagnostics.diagnostic import fail
from envman.registry.reference import parse_reference

SYNTAX: Final = "# syntax"
# A build argument by this name goes before the directive of the file.
SYNTAX_ARGUMENT: Final = "BUILDKIT_SYNTAX"
_DIRECTIVE: Final = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S.*)")
_HEREDOC: Final = re.compile(r"(?<![<\w])\d*<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_]*)\2")
_FLAG: Final = re.compile(r"\s*--([a-z-]+)(?:=(\"[^\"]*\"|'[^']*'|\S*))?(?=\s|$)")
_WORD: Final = re.compile(r"(?:[^\s\"']|\"[^\"]*\"|'[^']*')+")
_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+])((?:[^{}]|\{[^{}]*\})*))?\})")
_WITH_HEREDOC: Final = frozenset({"RUN", "COPY", "ADD"})


class Base(NamedTuple):
    """An image that a build starts from: its name with all variables filled in, who names it, and where."""

    name: str
    how: str
    span: Span


class _Instruction(NamedTuple):
    word: str
    text: str
    line: int


@dataclass(slots=True)
class _Stage:
    name: str
    base: str
    span: Span
    # (stage or image, what names it, where)
    others: list[tuple[str, str, Span]] = field(default_factory=list)


def base_images(
    source: Source, *, arguments: Mapping[str, str], target: str | None = None, contexts: Collection[str] = ()
) -> list[Base]:
    """Return the images that building ``target`` (the last stage, if none is named) starts from, each once.

    ``arguments`` are the build's, ``contexts`` the names of its additional contexts: what those stand for is none of
    the Dockerfile's.

    Raises:
        EnvmanError: EV541 where an image cannot be told: an argument without a value, no such stage, no stage at all.
    """
    directives, instructions = _parse(source)
    stages = _stages(source, instructions, arguments)
    if not stages:
        raise fail("EV541", f"{source.name} has no stage", _span(source, 1), expected="FROM IMAGE")
    named = {context_name(one) for one in contexts}
    found: dict[str, Base] = {}
    syntax = arguments.get(SYNTAX_ARGUMENT)
    if syntax is not None or "syntax" in directives:
        text, line = directives.get("syntax", ("", 1))
        base = Base((syntax or text).split()[0], SYNTAX, _span(source, line))
        found[base.name] = base
    open_stages, seen = [_target(source, stages, target)], set()
    while open_stages:
        at = open_stages.pop()
        if at in seen:
            continue
        seen.add(at)
        stage = stages[at]
        if stage.name and context_name(stage.name) in named:
            continue
        for name, how, span in ((stage.base, "FROM", stage.span), *stage.others):
            if context_name(name) in named or name.lower() == "scratch":
                continue
            other = _find(stages[:at], name, numbers=how != "FROM")
            if other is not None:
                open_stages.append(other)
            else:
                found.setdefault(name, Base(name, how, span))
    return sorted(found.values(), key=lambda one: (one.how != SYNTAX, one.span.line, one.name))


def context_name(name: str) -> str:
    """Return the name under which BuildKit looks for a context in place of image or stage ``name``.

    Source: github.com/moby/buildkit, ``frontend/dockerui/namedcontext.go``: the familiar name without ``:latest``.
    """
    reference = parse_reference(name.lower() if "/" not in name and ":" not in name else name)
    return name if reference is None else reference.familiar.removesuffix(":latest")


def _span(source: Source, line: int) -> Span:
    text = source.text.splitlines()[line - 1] if source.text else ""
    return Span(source, line, 1, line, max(2, len(text) + 1))


# --- lines to instructions


def _parse(source: Source) -> tuple[dict[str, tuple[str, int]], list[_Instruction]]:
    lines = source.text.splitlines()
    directives: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines, 1):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            if number == 1 and line.startswith("#!"):
                continue
            break
        directives.setdefault(match[1].lower(), (match[2], number))
    escape = directives.get("escape", ("\\", 0))[0]
    return directives, list(_instructions(lines, "`" if escape == "`" else "\\"))


def _instructions(lines: list[str], escape: str) -> Iterator[_Instruction]:
    at = 0
    while at < len(lines):
        first = at
        text, at = _joined(lines, at, escape)
        word, _, rest = text.strip().partition(" ")
        if not word:
            continue
        word = word.upper()
        if word in _WITH_HEREDOC:
            for dash, _, end in _HEREDOC.findall(rest):
                while at < len(lines) and (lines[at].lstrip("\t") if dash else lines[at]) != end:
                    at += 1
                at += 1
        yield _Instruction(word, rest.strip(), first + 1)


def _joined(lines: list[str], at: int, escape: str) -> tuple[str, int]:
    """Return the line at ``at`` with those that continue it, and the number of the next one."""
    parts: list[str] = []
    while at < len(lines):
        line = lines[at]
        at += 1
        bare = line.strip()
        if bare.startswith("#") or (not bare and parts):
            if not parts:
                return "", at
            continue
        trimmed = line.rstrip()
        if not trimmed.endswith(escape):
            parts.append(line)
            break
        parts.append(trimmed[:-1])
    return " ".join(" ".join(parts).split("\t")), at


# --- instructions to stages


def _stages(source: Source, instructions: list[_Instruction], arguments: Mapping[str, str]) -> list[_Stage]:
    scope: dict[str, str] = {}
    stages: list[_Stage] = []
    for one in instructions:
        if one.word == "ARG" and not stages:
            for word in _WORD.findall(one.text):
                name, equals, default = word.partition("=")
                value = arguments.get(name, _expanded(_bare(default), scope) if equals else None)
                if value is not None:
                    scope[name] = value
        elif one.word == "FROM":
            stages.append(_stage(source, one, scope))
        elif stages and one.word in {"COPY", "RUN"}:
            span = _span(source, one.line)
            for flag, value in _flags(one.text):
                if one.word == "COPY" and flag == "from":
                    stages[-1].others.append((value, "COPY --from", span))
                elif one.word == "RUN" and flag == "mount":
                    fields = dict(part.partition("=")[::2] for part in value.split(","))
                    if fields.get("from"):
                        stages[-1].others.append((fields["from"], "RUN --mount", span))
    return stages


def _stage(source: Source, one: _Instruction, scope: Mapping[str, str]) -> _Stage:
    span = _span(source, one.line)
    words = [word for word in one.text.split() if not word.startswith("--")]
    if len(words) not in {1, 3} or (len(words) == 3 and words[1].upper() != "AS"):
        raise fail("EV541", f"FROM {one.text} names no image", span, expected="FROM IMAGE [AS NAME]")
    base = _expanded(_bare(words[0]), scope)
    if not base:
        raise fail(
            "EV541",
            f"FROM {words[0]}: an argument has no value",
            span,
            expected="the name of an image",
            help="give the ARG a default, or its value under `build.args`",
        )
    return _Stage(words[2] if len(words) == 3 else "", base, span)


def _flags(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while match := _FLAG.match(text, at):
        yield match[1], _bare(match[2] or "")
        at = match.end()


def _bare(text: str) -> str:
    return re.sub(r"[\"']", "", text)


def _expanded(text: str, scope: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name, operator, word = match[1] or match[2], match[3] or "", match[4] or ""
        found = scope.get(name)
        present = bool(found) if operator.startswith(":") else found is not None
        if operator.endswith("-"):
            return found or "" if present else _expanded(word, scope)
        if operator.endswith("+"):
            return _expanded(word, scope) if present else ""
        return found or ""

    return _VARIABLE.sub(value, text)


def _target(source: Source, stages: list[_Stage], target: str | None) -> int:
    if not target:
        return len(stages) - 1
    found = _find(stages, target, numbers=True)
    if found is None:
        names = ", ".join(stage.name for stage in stages if stage.name)
        raise fail(
            "EV541",
            f'{source.name} has no stage "{target}"',
            _span(source, 1),
            expected=f"one of {names}" if names else "a stage with a name: FROM IMAGE AS NAME",
        )
    return found


def _find(stages: list[_Stage], name: str, *, numbers: bool) -> int | None:
    """Return which of ``stages`` has ``name``; the last one of several."""
    for index in range(len(stages) - 1, -1, -1):
        if stages[index].name.lower() == name.lower():
            return index
    if numbers and name.isdecimal() and int(name) < len(stages):
        return int(name)
    return None
