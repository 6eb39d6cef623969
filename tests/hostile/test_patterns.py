"""Every regular expression of envman takes time in proportion to the text.

The patterns are found in the modules themselves: those that a module keeps, and those that stand in a call of `re`.
From the parse of each, texts are made that repeat what it repeats and then do not match.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import envman

LENGTH = 10_000
# A linear pattern reads so much in a millisecond; a quadratic one takes some 50.
SECONDS = 0.015
PATIENCE = 5.0
METHODS = ("match", "fullmatch", "search", "sub", "subn", "findall", "finditer", "split")
ENDINGS = ("\x01", "x", "\n")
MOST_SAMPLES = 4


class Use(NamedTuple):
    where: str
    pattern: re.Pattern[Any]
    method: str


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(envman.__path__, "envman."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def uses() -> Iterator[Use]:
    sources = [(module, Path(str(module.__file__)).read_text()) for module in modules()]
    everything = "\n".join(text for _, text in sources)
    for module, text in sources:
        for name, value in vars(module).items():
            for pattern in _patterns(value):
                where = text if name.startswith("_") else everything
                called = re.findall(rf"\b{name}(?:\[\w+\])?\.({'|'.join(METHODS)})\(", where) or ["match"]
                for method in sorted(set(called)):
                    yield Use(f"{module.__name__}.{name}", pattern, method)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
                pattern_of_call = _in_call(node, module)
                if pattern_of_call is not None:
                    yield Use(f"{module.__name__}:{node.lineno}", pattern_of_call, node.func.attr)


def _patterns(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _patterns(one)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _patterns(one)


def _in_call(node: ast.Call, module: ModuleType) -> re.Pattern[Any] | None:
    """Return the pattern of a call such as ``re.match(PATTERN, text)``; None where it is made as the program runs."""
    function = node.func
    assert isinstance(function, ast.Attribute)
    if not (isinstance(function.value, ast.Name) and function.value.id == "re"):
        return None
    try:
        text = eval(compile(ast.Expression(node.args[0]), "", "eval"), vars(module))
    except NameError:
        return None
    return re.compile(text)


def attacks(pattern: re.Pattern[Any]) -> Iterator[str]:
    """Yield texts that repeat what ``pattern`` repeats without end, after what has to stand before it."""
    seen = set()
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    for before, repeated in _repeats(tree, [""]):
        pumps = dict.fromkeys([*repeated, *map("".join, itertools.permutations(repeated, 2))])
        for start, pump in itertools.product(dict.fromkeys([*before, ""]), pumps):
            if pump and (start, pump) not in seen:
                seen.add((start, pump))
                body = start + pump * (LENGTH // len(pump))
                yield from (body + ending for ending in ENDINGS)


def _repeats(tree: Any, before: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    for operation, argument in tree:
        if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            _, most, inner = argument
            if most > LENGTH:
                yield before, _samples(inner)
        for inner in _inside(operation, argument):
            yield from _repeats(inner, before)
        before = _joined(before, _sample(operation, argument))


def _inside(operation: Any, argument: Any) -> list[Any]:
    if operation is sre.BRANCH:
        return list(argument[1])
    if operation is sre.ATOMIC_GROUP:
        return [argument]
    if operation in (sre.SUBPATTERN, sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT, sre.ASSERT):
        return [argument[-1]]
    if operation is sre.GROUPREF_EXISTS:
        return [one for one in argument[1:] if one is not None]
    return []


def _samples(tree: Any) -> list[str]:
    found = [""]
    for operation, argument in tree:
        found = _joined(found, _sample(operation, argument))
    return found


def _joined(first: list[str], second: list[str]) -> list[str]:
    return list(dict.fromkeys(a + b for b in second for a in first))[:MOST_SAMPLES]


def _sample(operation: Any, argument: Any) -> list[str]:
    """Return a few texts that a part of a pattern matches."""
    if operation is sre.LITERAL:
        return [chr(argument)]
    if operation is sre.NOT_LITERAL:
        return [one for one in "a ." if ord(one) != argument]
    if operation is sre.ANY:
        return ["a", " "]
    if operation is sre.IN:
        return _of_set(argument)
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        least, _, inner = argument
        samples = _samples(inner)
        return [one * max(least, 1) for one in samples] + ([""] if least == 0 else [])
    if operation in (sre.ASSERT, sre.ASSERT_NOT, sre.AT):
        return [""]
    if operation is sre.GROUPREF:
        return ["", '"']
    return [text for inner in _inside(operation, argument) for text in _samples(inner)][:MOST_SAMPLES] or [""]


def _of_set(parts: Any) -> list[str]:
    plain = {operation for operation, _ in parts}
    test = re.compile(_unparsed(parts))
    tried = [chr(one) for operation, one in parts if operation is sre.LITERAL]
    tried += [chr(one) for operation, argument in parts if operation is sre.RANGE for one in argument]
    tried = tried if sre.NEGATE not in plain else []
    return [one for one in dict.fromkeys([*tried, *"a1 .-/:#\n\t_A"]) if test.fullmatch(one)][:4]


_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s", sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


def _unparsed(parts: Any) -> str:
    text = ""
    for operation, argument in parts:
        if operation is sre.NEGATE:
            text += "^"
        elif operation is sre.LITERAL:
            text += re.escape(chr(argument))
        elif operation is sre.RANGE:
            text += "-".join(re.escape(chr(one)) for one in argument)
        else:
            text += _CATEGORIES[argument]
    return f"[{text}]"


class TooLongError(Exception):
    pass


@contextmanager
def a_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def seconds(use: Use, text: str) -> float:
    subject: Any = text if isinstance(use.pattern.pattern, str) else text.encode("latin-1", "replace")
    function = getattr(use.pattern, use.method)
    arguments = ("", subject) if use.method in ("sub", "subn") else (subject,)
    start = time.process_time()
    try:
        with a_limit():
            found = function(*arguments)
            if use.method == "finditer":
                list(found)
    except TooLongError:
        return PATIENCE
    return time.process_time() - start


USES = list({(one.pattern.pattern, one.method): one for one in uses()}.values())


def test_the_patterns_are_found() -> None:
    names = " ".join(one.where for one in USES)
    assert len(USES) > 100
    assert "envman.source.dotenv._NAME" in names
    assert "envman.model.confidential" in names


@pytest.mark.parametrize("use", USES, ids=[f"{one.where} {one.method}" for one in USES])
def test_a_pattern_takes_linear_time(use: Use) -> None:
    for text in attacks(use.pattern):
        if seconds(use, text) > SECONDS:
            # A busy machine is slow once; a slow pattern is slow again, and four times as slow on twice the text.
            assert min(seconds(use, text) for _ in range(3)) < SECONDS, f"{text[:40]!r}… {text[-10:]!r}"
