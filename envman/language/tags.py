"""The tag of a service's image, from a rule: ``tag: git | version | content | NAME``.

The rule stands beside ``image``, which then names a repository alone. What comes out becomes part of ``image`` before
the Tree is bound, so that every stage below knows one name; where it came from stays in the Tree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from collections.abc import Mapping as Map
from pathlib import Path
from typing import Any, Final

from envman.diagnostics import Report
from envman.registry.reference import parse_reference
from envman.source.git import GitError
from envman.source.measure import measure
from envman.source.tree import Mapping, Node, Scalar, node_at, plain, replace_entries

RULES: Final = ("git", "version", "content")
# github.com/distribution/reference, `tag`.
TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_LONGEST: Final = 128
_DIGITS: Final = 16
_ELSEWHERE: Final = "service:"


class _NoTagError(Exception):
    def __init__(self, message: str, expected: str, advice: str) -> None:
        super().__init__(message)
        self.expected, self.advice = expected, advice


def with_tags(tree: Mapping, root: Path, process: Map[str, str], report: Report) -> Mapping:
    """Return the merged ``tree`` with the tag of each service that has a rule put into its image's name.

    Where that cannot be, EV614 (the rule gives no tag) or EV615 (there is no name, or it has a tag) goes to ``report``.
    """
    services = tree.entries.get("services")
    if not isinstance(services, Mapping):
        return tree
    rules = _Rules(services, root, process)
    changed: dict[str, Node | None] = {}
    for name, service in services.entries.items():
        rule = node_at(service, ("tag",))
        # What is no text, or could not be made, is reported when the Tree is bound.
        if isinstance(service, Mapping) and isinstance(rule, Scalar) and isinstance(rule.value, str):
            image = _tagged(name, service, rule, rules, report)
            if image is not None:
                changed[name] = replace_entries(service, {"image": image})
    return replace_entries(tree, {"services": replace_entries(services, changed)}) if changed else tree


def _tagged(name: str, service: Mapping, rule: Scalar, rules: _Rules, report: Report) -> Scalar | None:
    image = service.entries.get("image")
    if rule.problem is not None or (isinstance(image, Scalar) and image.problem is not None):
        return None
    text = image.value if isinstance(image, Scalar) else None
    if not isinstance(text, str) or not text:
        report.error(
            "EV615", f"{name} has a tag and no image to give it to", rule.span, expected="an `image:` beside it"
        )
        return None
    reference = parse_reference(text)
    if reference is not None and (reference.tag or reference.digest):
        report.error(
            "EV615",
            f"{name} has a tag twice: {text} has one already",
            rule.span,
            expected=f"`image: {text.partition('@')[0].removesuffix(f':{reference.tag}')}`, or no `tag:`",
        )
        return None
    assert isinstance(image, Scalar)  # it has a text
    try:
        tag = rules.tag(name, str(rule.value))
    except _NoTagError as error:
        report.error("EV614", f"{name}: {error}", rule.span, expected=error.expected, help=error.advice)
        return None
    variables = tuple(dict.fromkeys((*image.variables, *rule.variables)))
    return Scalar(f"{text}:{tag}", rule.span, overrides=image, variables=variables)


class _Rules:
    """The rules of one environment; git and the version are asked for once."""

    def __init__(self, services: Mapping, root: Path, process: Map[str, str]) -> None:
        self._services, self._root, self._process = services, root, process
        self._known: dict[str, str] = {}

    def tag(self, service: str, rule: str) -> str:
        if rule not in RULES:
            if not TAG.fullmatch(rule):
                expected = f"{', '.join(RULES)}, or a name of up to {_LONGEST} letters, digits, _, . and -"
                raise _NoTagError(f'"{rule}" is not a tag', expected, "")
            return rule
        if rule == "content":
            return self._content(service)
        if rule not in self._known:
            self._known[rule] = self._git() if rule == "git" else self._version()
        return self._known[rule]

    def _git(self) -> str:
        try:
            found = measure(self._root, self._process, "git")
        except GitError as error:
            advice = "commit the project to git, or name the tag (`tag: NAME`)"
            raise _NoTagError(f"`tag: git` finds nothing: {error}", "a git repository with a commit", advice) from None
        return _as_tag(found)

    def _version(self) -> str:
        import tomllib

        try:
            text = (self._root / "pyproject.toml").read_text(encoding="utf-8")
            found = tomllib.loads(text).get("project", {}).get("version")
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError):
            found = None
        if not isinstance(found, str) or not found:
            expected = "a pyproject.toml with `version` under [project]"
            advice = "write it there, or use `tag: git` where git knows the version"
            raise _NoTagError("`tag: version` finds no version", expected, advice)
        return _as_tag(found)

    def _content(self, service: str) -> str:
        sections = list(self._sections(service, set()))
        if not sections:
            raise _NoTagError("`tag: content` needs something to build", "a `build:` beside it", "")
        try:
            digest = measure(self._root, self._process, "content", json.dumps(sections, ensure_ascii=False))
        except LookupError as error:
            raise _NoTagError(
                f"`tag: content` cannot read {error}", "contexts that are folders on this machine", ""
            ) from None
        return digest[:_DIGITS]

    def _sections(self, service: str, seen: set[str]) -> Iterator[dict[str, Any]]:
        """Yield the build of ``service`` and those of services whose images it copies from."""
        build = node_at(self._services, (service, "build"))
        if service in seen or not isinstance(build, Mapping):
            return
        seen.add(service)
        section = plain(build)
        arguments = section.get("args")
        if isinstance(arguments, dict):
            # What has no value gets the process's, as it does when it is built.
            section["args"] = {
                name: self._process.get(name) if value is None else value for name, value in arguments.items()
            }
        yield section
        contexts = section.get("additional_contexts")
        for context in contexts.values() if isinstance(contexts, dict) else ():
            if isinstance(context, str) and context.startswith(_ELSEWHERE):
                yield from self._sections(context.removeprefix(_ELSEWHERE), seen)


def _as_tag(text: str) -> str:
    """Return ``text`` as a tag: what may not stand in one becomes ``_``, as Helm has it for ``1.0+cu124``."""
    tag = re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:_LONGEST]
    return tag if TAG.fullmatch(tag) else f"_{tag}"[:_LONGEST]
