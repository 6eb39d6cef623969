"""Each attribute as an author writes it, in the document, and as the real Compose understands both."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from attribute_cases import Case, ComposeRefusal, all_cases, compose_config, meaning, merged, without_own_labels

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


@dataclass
class Understood:
    """What Compose makes of sources and renders: of all at once, and of each alone where that fails."""

    rendered: Rendered
    version: tuple[int, ...]
    batch: tuple[Any, Any] | None = None

    def knows(self, case: Case) -> bool:
        return not case.needs or _numbers(case.needs) <= self.version

    @property
    def together(self) -> list[Case]:
        return [case for case in ALL if case.path and self.knows(case)]

    def of(self, case: Case) -> tuple[Any, Any]:
        """Return what Compose makes of the source and of the render of ``case``."""
        if self.batch is None or not case.path:
            return self.ask([case])
        section, name = case.path[:2]
        source, render = self.batch
        return source[section].get(name), render[section].get(name)

    def ask(self, cases: Iterable[Case], form: str = "yaml") -> tuple[Any, Any]:
        source: dict[str, Any] = {}
        render: dict[str, Any] = {}
        for case in cases:
            source = merged(source, case.source)
            render = merged(render, self.rendered.document(case))
        text = Document("churn-dev", render, (), {}, (), {}).text()
        root = self.rendered.root
        return (
            meaning(compose_config(root, json.dumps(source), form=form)),
            meaning(compose_config(root, text, form=form)),
        )


@pytest.fixture(scope="module")
def understood(rendered: Rendered, compose: None) -> Understood:
    version = subprocess.run(["docker", "compose", "version", "--short"], capture_output=True, text=True, check=True)
    made = Understood(rendered, _numbers(version.stdout))
    with contextlib.suppress(ComposeRefusal):
        made.batch = made.ask(made.together)
    return made


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_the_document_says_what_the_case_says(case: Case, rendered: Rendered) -> None:
    thing: Any = rendered.document(case)
    for step in case.path:
        thing = thing[step]
    found: Any = without_own_labels(thing).get(case.attribute)
    if case.folder == "blueprint" and case.attribute in {"services", "networks", "volumes", "jobs"}:
        found = {name: without_own_labels(found[name]) for name in case.write}
    assert exactly(found) == exactly(case.render)


def exactly(value: Any) -> Any:
    """Let 1, 1.0, True and "1" differ, as they do to Compose."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_compose_understands_source_and_render_alike(case: Case, understood: Understood) -> None:
    if not understood.knows(case):
        with pytest.raises(ComposeRefusal, match="not allowed"):
            understood.ask([case])
        return
    source, render = understood.of(case)
    assert source is not None, "Compose dropped it: nothing is compared"
    assert render == source


def test_compose_writes_the_same_json_of_all_of_them(understood: Understood) -> None:
    source, render = understood.ask([case for case in understood.together if case.as_json], "json")
    assert len(source["services"]) > 100
    assert render == source
