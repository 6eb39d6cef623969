"""Gathering what a fidelity report is made of: production's document, the copy's, and what runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from envman.diagnostics import EnvmanError, Report
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.operations.prepare import look
from envman.operations.production import Production
from envman.operations.workspace import Workspace
from envman.render.compose import render
from envman.reproduction.draft import Substitution
from envman.reproduction.fidelity import fidelity
from envman.reproduction.report import Evidence, Fidelity, Finding, Status
from envman.source.dotenv import read_dotenv
from envman.source.places import locate
from envman.state.ports import read_ports
from envman.state.reproductions import read_reproduced


def env_files(workspace: Workspace, environment: Environment) -> dict[str, Mapping[str, str]]:
    """Return the variables in the files that services take theirs from, by path as written; none of one not there."""
    found: dict[str, Mapping[str, str]] = {}
    root = workspace.project.root
    for service in environment.stack.services.values():
        for file in service.env_file or ():
            path = locate(root, file.path)
            if path is None:
                continue
            try:
                values = read_dotenv(path, root=root, report=Report(), expand=lambda one, *_: one)
            except EnvmanError:
                values = {}
            found[file.path] = {name: value for name, (value, _) in values.items()}
    return found


def report_on(
    workspace: Workspace,
    production: Production,
    copy: Environment,
    substitutions: Sequence[Substitution],
    *,
    left_out: Sequence[str] = (),
) -> Fidelity:
    """Compare ``copy``, which runs, with ``production``, attribute by attribute.

    Raises:
        EnvmanError: EV4xx for the engine.
    """
    from envman.engine.images import find_images

    observed = look(workspace, copy, details=True)
    # Under the copy's name both have the same names for what is the environment's own.
    renamed = replace(production.environment, name=copy.name, instance=copy.instance)
    facts = workspace.facts(copy, ports={}, online=True)
    wanted = render(renamed, replace(facts, images={}, absent_secrets=frozenset(), gpu=True))
    ports = read_ports(workspace.checkout.state).get(copy.key, {})
    made = render(copy, workspace.facts(copy, ports=ports, online=True))
    images = find_images(workspace.engine, {one.image_id for one in observed.containers})
    files = env_files(workspace, production.environment)
    known = read_reproduced(workspace.checkout.state, copy.key)
    evidence = Evidence(
        production=wanted,
        copy=made,
        substitutions=substitutions,
        observed=observed,
        images=images,
        locked=production.locked,
        services=wanted_services(copy, None),
        directory=str(workspace.project.root),
        platform=production.platform,
        env_files=files,
        data=known.data if known is not None else {},
        extra=tuple(_extra(workspace, production, copy, left_out)),
    )
    return fidelity(production.environment.name, copy.name, production.words, evidence)


def _extra(workspace: Workspace, production: Production, copy: Environment, left_out: Sequence[str]) -> list[Finding]:
    found = [
        Finding("environment", one.partition(":")[0], Status.UNKNOWN, "defined", "left out", why=one)
        for one in left_out
    ]
    running = set(wanted_services(copy, None))
    behind = [name for name in production.environment.stack.services if name not in running]
    found += [
        Finding(f"service {name}", "definition", Status.UNKNOWN, "behind a profile", "not started",
                why="it runs when it is asked for, so nothing could be compared")
        for name in behind
    ]  # fmt: skip
    engine = workspace.engine.facts()
    here = f"engine {engine.version}, {engine.operating_system}, {engine.cpus} processors"
    why = "no lock says what production's machine is; kernels, drivers and clocks differ"
    found.append(Finding("machine", "definition", Status.UNKNOWN, "not known", here, why=why))
    return found
