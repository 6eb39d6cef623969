"""Volumes of the stack that ran before under Compose's own project name: found by Compose's labels, named in plans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from envman import LABEL_PREFIX
from envman.adopt.project_name import valid_name
from envman.diagnostics import Diagnostic, Note, Severity
from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.operations.options import UpOptions
from envman.operations.prepare import Prepared
from envman.operations.workspace import Workspace
from envman.plan.defined import engine_name
from envman.plan.form import COMPOSE
from envman.plan.observed import VolumeState
from envman.plan.plan import Action, Plan, Step


@dataclass(frozen=True, slots=True)
class Former:
    """A volume that is to be made, by its key and the engine's name, and those of former stacks with its key."""

    key: str
    name: str
    found: tuple[VolumeState, ...]

    def describe(self) -> str:
        """Return what was found in words."""
        return " and ".join(f"volume {one.name} of Compose project {project_of(one)}" for one in self.found)


def former_volumes(workspace: Workspace, prepared: Prepared, plan: Plan, wanted: str | None) -> list[Former]:
    """Return the volumes that ``plan`` creates and that a former stack had too.

    ``wanted`` names its Compose project; without it, that is the one whose name the project's was made from, or that
    Compose would give to the project's folder.
    """
    from envman.engine.observe import compose_volumes

    entries = prepared.document.data.get("volumes", {})
    # A volume with options is a way to data elsewhere: to copy one to another could be to empty what both lead to.
    keys = [
        step.name
        for step in plan.steps
        if (step.action, step.kind) == (Action.CREATE, "volume") and not (entries[step.name] or {}).get("driver_opts")
    ]
    if not keys:
        return []
    names = {workspace.project.name, valid_name(workspace.project.root.name)}
    by_key: dict[str, list[VolumeState]] = {}
    for one in compose_volumes(workspace.engine):
        is_wanted = project_of(one) == wanted if wanted else valid_name(project_of(one)) in names
        is_plain = one.driver == "local" and not one.options
        if is_wanted and is_plain and not any(label.startswith(LABEL_PREFIX) for label in one.labels):
            by_key.setdefault(one.labels[f"{COMPOSE}volume"], []).append(one)
    found = []
    for key in keys:
        name = engine_name(prepared.document, "volumes", key)
        others = tuple(sorted((one for one in by_key.get(key, ()) if one.name != name), key=lambda one: one.name))
        if others:
            found.append(Former(key, name, others))
    return found


def project_of(volume: VolumeState) -> str:
    """Return the Compose project that a volume was made for."""
    return volume.labels.get(f"{COMPOSE}project", "")


def with_former(workspace: Workspace, prepared: Prepared, plan: Plan, options: UpOptions) -> Plan:
    """Return ``plan`` with what becomes of the data of a former stack; what begins empty beside it is a warning.

    Raises:
        EnvmanError: EV838 where it cannot be told which volume is to be copied, or none is there.
    """
    found = {one.key: one for one in former_volumes(workspace, prepared, plan, options.adopt)}
    environment = prepared.environment
    if options.adopt is not None:
        _refuse_choice(environment, found.values(), options.adopt, plan)
    elif found:
        workspace.report.add(_begins_empty(environment, list(found.values())))

    def told(step: Step) -> Step:
        former = found.get(step.name) if (step.action, step.kind) == (Action.CREATE, "volume") else None
        if former is None:
            return step
        if options.adopt is not None:
            return replace(step, data=(f"gets a copy of {former.describe()}, which stays as it is", *step.data[1:]))
        return replace(step, data=(*step.data, f"{former.describe()} stays as it is: `--adopt-volumes` copies it"))

    return Plan(tuple(map(told, plan.steps)))


def _begins_empty(environment: Environment, found: list[Former]) -> Diagnostic:
    first, several = found[0], len(found) > 1
    what = f"{len(found)} volumes of {environment.name} begin" if several else f"volume {first.key} begins"
    return Diagnostic(
        "EV837",
        f"{what} empty, and a stack that ran before has data under the same name",
        environment.key_span("volumes", first.key) if first.key in environment.data.get("volumes", {}) else None,
        notes=tuple(Note(f"{one.key}: {one.describe()}") for one in found),
        help=f"`envman up {environment.name} --adopt-volumes` copies it, as long as {environment.name} has no volume "
        f"{'of these names' if several else 'of this name'}; what is copied stays as it is",
        severity=Severity.WARNING,
    )


def _refuse_choice(environment: Environment, found: Iterable[Former], wanted: str, plan: Plan) -> None:
    unclear = [one for one in found if len(one.found) > 1]
    if unclear:
        raise fail(
            "EV838",
            f"more than one stack has a volume {unclear[0].key}",
            notes=tuple(Note(f"{one.key}: {one.describe()}") for one in unclear),
            help="name its Compose project: `--adopt-from PROJECT`; nothing was changed",
        )
    if wanted and not list(found) and any(step.kind == "volume" for step in plan.steps):
        raise fail(
            "EV838",
            f"no volume of Compose project {wanted} has the name of one that {environment.name} is to get",
            help="`docker volume ls --filter label=com.docker.compose.project` lists volumes; nothing was changed",
        )
