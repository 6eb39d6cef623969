"""Layers with what their `include` and service `extends` bring in: the stage between normalising and merging."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from envman.diagnostics import Report
from envman.language.interpolate import Resolved, Scope
from envman.language.layers import Layer
from envman.source.tree import Mapping


def has_other_files(tree: Mapping) -> bool:
    """Whether there is anything to do: most blueprints have neither `include` nor a service's `extends`."""
    services = tree.entries.get("services")
    return "include" in tree.entries or (
        isinstance(services, Mapping)
        and any(isinstance(service, Mapping) and "extends" in service.entries for service in services.entries.values())
    )


def compose_layers(
    root: Path,
    layers: list[Layer],
    trees: list[Mapping],
    scope: Scope,
    report: Report,
    *,
    sources: dict[str, Mapping],
) -> tuple[list[Mapping], tuple[tuple[str, ...], ...], dict[str, Resolved]]:
    """Return ``trees``, the normalised bodies of ``layers``, put together with what they include and extend.

    Beside them, for each, the names of the files that were read, and the variables that have their value from a
    ``.env`` file of an include. Each layer is done by itself, as Compose does each
    file, before layers meet. ``sources`` are files that were read already, by path, and is added to. Problems go to
    ``report``.
    """
    # Most environments need none of this.
    from envman.language.compose_file import ComposeFiles
    from envman.language.include import put_together

    outside = replace(scope, blueprint=layers[-1].tree.span.source.name)
    files = ComposeFiles(root, report, sources)
    for layer, tree in zip(layers, trees, strict=True):
        services = tree.entries.get("services")
        if isinstance(services, Mapping):
            files.services |= dict.fromkeys(services.entries, layer.tree.span.source.name)
    whole: list[Mapping] = []
    reached: list[tuple[str, ...]] = []
    for layer, tree in zip(layers, trees, strict=True):
        files.used = []
        whole.append(put_together(tree, layer.tree.span.source.name, outside, files))
        reached.append(tuple(files.used))
    return whole, tuple(reached), files.given
