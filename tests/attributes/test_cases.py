"""Each attribute as an author writes it, in the document, and as the real Compose understands both."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from attribute_cases import Case, all_cases, compose_config, meaning, merged, without_own_labels

from envman.render.document import Document

ALL = all_cases()


@dataclass(frozen=True)
class Rendered:
    """All cases in one project's folder, and the document of each."""

    root: Path
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def document(self, case: Case) -> dict[str, Any]:
        if case.name not in self.documents:
            self.documents[case.name] = case.document(self.root)
        return self.documents[case.name]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return Rendered(tmp_path_factory.mktemp("attributes"))


@pytest.fixture(scope="module")
def understood(rendered: Rendered, compose: None) -> Callable[[Case], tuple[Any, Any]]:
    """What Compose makes of a case's source and of its render: of all of them at once, each alone where that fails."""
    version = subprocess.run(["docker", "compose", "version", "--short"], capture_output=True, text=True, check=True)
    known = [case for case in ALL if not case.needs or _numbers(case.needs) <= _numbers(version.stdout)]
    together = [case for case in known if case.path]

    def ask(cases: Iterable[Case]) -> tuple[Any, Any]:
        source: dict[str, Any] = {}
        render: dict[str, Any] = {}
        for case in cases:
            source = merged(source, case.source)
            render = merged(render, rendered.document(case))
        return (
            meaning(compose_config(rendered.root, json.dumps(source))),
            meaning(compose_config(rendered.root, Document("churn-dev", render, (), {}, (), {}).text())),
        )

    try:
        batch = ask(together)
    except AssertionError:
        batch = None

    def one(case: Case) -> tuple[Any, Any]:
        if case not in known:
            pytest.skip(f"needs Compose {case.needs}")
        if batch is None or case not in together:
            return ask([case])
        section, name = case.path[:2]
        return tuple(side[section].get(name) for side in batch)  # type: ignore[return-value]

    return one


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_the_document_says_what_the_case_says(case: Case, rendered: Rendered) -> None:
    thing: Any = rendered.document(case)
    for step in case.path:
        thing = thing[step]
    found = without_own_labels(thing)[case.attribute]
    if case.folder == "blueprint" and case.attribute in {"services", "networks", "volumes", "jobs"}:
        found = {name: without_own_labels(found[name]) for name in case.write}
    assert exactly(found) == exactly(case.render)


def exactly(value: Any) -> Any:
    """Let 1, 1.0, True and "1" differ, as they do to Compose."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_compose_understands_source_and_render_alike(
    case: Case, understood: Callable[[Case], tuple[Any, Any]]
) -> None:
    source, render = understood(case)
    assert source is not None, "Compose dropped it: nothing is compared"
    assert render == source
