"""Service `extends`: a service on top of another one, of its own file or of one that it names.

As Compose does it, per file and before layers meet: the name is looked up in one file alone, everything but `extends`
itself is inherited, and the two merge by Compose's rules. What a service of a parent blueprint is, is known only when
layers have met; it can be extended by naming the parent's file.

Source: https://docs.docker.com/reference/compose-file/services/#extends and compose-go's `loader/extends.go`.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from envman.diagnostics import Note, Span
from envman.diagnostics.diagnostic import near_match
from envman.language.compose_file import ComposeFiles, is_blueprint
from envman.language.compose_rules import extend_service
from envman.language.interpolate import Scope
from envman.source.reader import kind
from envman.source.tree import Mapping, Node, Scalar, replace_entries

_FIELDS: Final = ("service", "file")
_EXPECTED: Final = "a service's name, or {service: NAME, file: PATH}"


class _Link(NamedTuple):
    """One service of a chain: the file it stands in, its name, and where the chain asked for it."""

    path: str
    tree: Mapping
    name: str
    asked: Span

    @property
    def key(self) -> tuple[str, str]:
        return (self.path, self.name)

    @property
    def services(self) -> Mapping | None:
        found = self.tree.entries.get("services")
        return found if isinstance(found, Mapping) else None

    @property
    def service(self) -> Node | None:
        return self.services.entries.get(self.name) if self.services is not None else None


def extend_services(tree: Mapping, path: str, scope: Scope, files: ComposeFiles) -> Mapping:
    """Return ``tree``, the file at ``path``, with every service put on top of what it extends, and no `extends` left.

    The tree is interpolated in ``scope``, normalised, and its paths mean the project's root. What is wrong with an
    `extends` goes to the report; its service is then returned without it.
    """
    services = tree.entries.get("services")
    if not isinstance(services, Mapping):
        return tree
    chains = _Chains(files, scope)
    entries = dict(services.entries)
    for name, service in services.entries.items():
        if isinstance(service, Mapping) and "extends" in service.entries:
            entries[name] = chains.resolve(_Link(path, tree, name, service.keys["extends"]))
    return replace_entries(tree, {"services": services._replace(entries=entries)})


@dataclass(slots=True)
class _Chains:
    files: ComposeFiles
    scope: Scope
    done: dict[tuple[str, str], Node] = field(default_factory=dict)

    def resolve(self, first: _Link) -> Node:
        """Return what ``first`` is with all that it extends. Chains are walked, not recursed into."""
        chain: list[_Link] = []
        seen: set[tuple[str, str]] = set()
        link: _Link | None = first
        while link is not None and link.key not in self.done:
            if link.key in seen:
                self._report_cycle(chain, link)
                break
            chain.append(link)
            seen.add(link.key)
            link = self._next(link)
        base = self.done.get(link.key) if link is not None else None
        for one in reversed(chain):
            base = self.done[one.key] = self._put_together(base, one)
        assert base is not None  # the chain holds the first link at least, or it was done
        return base

    def _put_together(self, base: Node | None, link: _Link) -> Node:
        service = link.service
        assert service is not None  # _next found it
        if not isinstance(service, Mapping):
            return service
        own = replace_entries(service, {"extends": None})
        if not isinstance(base, Mapping) or not self.files.spend(base, link.asked):
            return own
        return extend_service(base, own, link.name, self.files.report)

    def _next(self, link: _Link) -> _Link | None:
        service = link.service
        extends = service.entries.get("extends") if isinstance(service, Mapping) else None
        # A null extends nothing, as in Compose; `!reset` means what parent layers say.
        if extends is None or extends.tag is not None or (isinstance(extends, Scalar) and extends.value is None):
            return None
        name, file = self._read(link, extends)
        if name is None:
            return None
        path, tree = link.path, link.tree
        if file is not None:
            found = self._open(file)
            if found is None:
                return None
            path, tree = found
        following = _Link(path, tree, str(name.value), name.span)
        if following.service is None:
            self._report_missing(link, following)
            return None
        return following

    def _read(self, link: _Link, extends: Node) -> tuple[Scalar | None, Scalar | None]:
        """Return the nodes of the service's name and of the file, None where they are wrong or not there."""
        report = self.files.report
        if isinstance(extends, Scalar) and extends.problem is not None:
            report.add(extends.problem)
            return None, None
        if not isinstance(extends, Mapping):
            report.error("EV224", f"services.{link.name}.extends is {kind(extends)}", extends.span, expected=_EXPECTED)
            return None, None
        fine = True
        for key in extends.entries:
            if key not in _FIELDS:
                expected = near_match(key, _FIELDS) or _EXPECTED
                report.error("EV224", f'"{key}" does not belong to an extends', extends.keys[key], expected=expected)
                fine = False
        found: list[Scalar | None] = []
        for key in _FIELDS:
            node = extends.entries.get(key)
            if node is None and key == "service":
                report.error("EV224", "this extends names no service", extends.span, expected=_EXPECTED)
                fine = False
            elif isinstance(node, Scalar) and node.problem is not None:
                report.add(node.problem)
                fine = False
            elif node is not None and not (isinstance(node, Scalar) and isinstance(node.value, str) and node.value):
                message = f"services.{link.name}.extends.{key} is {kind(node)}"
                report.error("EV224", message, node.span, expected=_EXPECTED)
                fine = False
            found.append(node if isinstance(node, Scalar) else None)
        return (found[0], found[1]) if fine else (None, None)

    def _open(self, file: Scalar) -> tuple[str, Mapping] | None:
        path = self.files.inside(str(file.value), file.span)
        if path is None:
            return None
        folder = "" if is_blueprint(path) else posixpath.dirname(path)
        tree = self.files.load(path, folder, self.scope, file.span)
        return None if tree is None else (path, tree)

    def _report_cycle(self, chain: list[_Link], last: _Link) -> None:
        start = next(index for index, one in enumerate(chain) if one.key == last.key)
        round_trip = [*chain[start:], last]
        several = len({one.path for one in round_trip}) > 1
        shown = " -> ".join(f"{one.name} ({one.path})" if several else one.name for one in round_trip)
        self.files.report.error(
            "EV223",
            f"the services extend each other: {shown}",
            last.asked,
            expected="a service that does not extend this one",
            notes=tuple(Note(f"{one.name} is extended here", one.asked) for one in round_trip[1:-1]),
        )

    def _report_missing(self, link: _Link, wanted: _Link) -> None:
        known = [name for name in wanted.services.entries if name != link.name] if wanted.services is not None else []
        elsewhere = self.files.services.get(wanted.name)
        help_text = ""
        if elsewhere is not None and elsewhere != wanted.path:
            help_text = f"it stands in another file: write {{service: {wanted.name}, file: {elsewhere}}}"
        elif known:
            help_text = f"its services are: {', '.join(known[:10])}" + (", ..." if len(known) > 10 else "")
        self.files.report.error(
            "EV222",
            f'there is no service "{wanted.name}" in {wanted.path}',
            wanted.asked,
            expected=near_match(wanted.name, known) or "a service of that file",
            help=help_text,
        )
