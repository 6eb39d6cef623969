"""What all blueprints of a project say, as far as a listing can be held against it; kept until one of them changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from envman.diagnostics import EnvmanError
from envman.lock.glance import Glance
from envman.operations.request import Request
from envman.plan.published import Declared
from envman.plan.sketch import ServiceSketch, Sketch, sketch
from envman.state.checkout import Checkout

if TYPE_CHECKING:
    from envman.engine.connection import Engine
    from envman.model.environment import Environment
    from envman.operations.workspace import Workspace

KIND: Final = "overview"


@dataclass(frozen=True, slots=True)
class Overview:
    """The environments of a project in a checkout.

    ``sketches`` lacks those whose blueprints have errors, ``locks`` those that have none.
    """

    project: str
    checkout: Checkout
    chosen: tuple[str | None, str | None]
    environments: tuple[str, ...]
    sketches: Mapping[str, Sketch]
    locks: Mapping[str, Glance]


def overview(
    root: Path, instance: str | None, environ: Mapping[str, str], engine: Engine, workspace: Callable[[], Workspace]
) -> Overview:
    """Return the overview of the project at ``root``; ``workspace`` is made only where it has to be read.

    ``engine`` is asked for its GPUs where a service would take one.

    Raises:
        EnvmanError: where the project cannot be read at all.
    """
    request = Request(root, instance=instance or "")
    found = request.recall(KIND, environ)
    if found is not None and (found[0]["gpu"] is None or engine.facts().gpu == found[0]["gpu"]):
        kept, checkout = found
        sketches = [
            Sketch(name, own, {key: _service(one) for key, one in services.items()})
            for name, own, services in kept["sketches"]
        ]
        return Overview(
            kept["project"],
            checkout,
            tuple(kept["chosen"]),
            tuple(kept["environments"]),
            {one.environment: one for one in sketches},
            {name: Glance(*one) for name, one in kept["locks"].items()},
        )
    return _read(request, workspace())


def _service(kept: Sequence[Any]) -> ServiceSketch:
    made = ServiceSketch(*kept)
    return made._replace(ports=tuple(Declared(*one) for one in made.ports))


def _read(request: Request, workspace: Workspace) -> Overview:
    from envman.operations.prepare import current_document
    from envman.operations.workspace import uses_gpu

    again, witness, checkout = request.watched(workspace)
    environments = again.project.environments(again.report)
    complete = not again.report.errors
    from envman.state.selection import read_selection

    selection = read_selection(again.checkout.state)
    instance = again.chosen_instance()
    sketches = {}
    locks = {}
    gpu: bool | None = None
    for name in environments:
        try:
            environment = again.environment(name)
            sketches[name] = sketch(environment, current_document(again, environment))
            found = _lock(again, environment)
            if found is not None:
                locks[name] = found
            if uses_gpu(environment):
                gpu = workspace.engine.facts().gpu
        except EnvmanError:
            complete = False
            # Errors of one environment are none of the next one's.
            again.report = type(again.report)()
    chosen = (selection.environment, instance)
    if complete:
        request.keep(
            KIND,
            workspace,
            witness,
            checkout,
            {
                "environments": environments,
                "chosen": chosen,
                "sketches": list(sketches.values()),
                "gpu": gpu,
                "locks": locks,
            },
        )
    return Overview(workspace.project.name, workspace.checkout, chosen, tuple(environments), sketches, locks)


def _lock(workspace: Workspace, environment: Environment) -> Glance | None:
    """Return what the lock of ``environment`` says, or None where it has none.

    What builds send is not looked at: `lock --check` and `verify` do.
    """
    from envman.lock.compare import differences
    from envman.lock.glance import glance
    from envman.lock.text import read_lock_file
    from envman.operations.described import described

    try:
        file = read_lock_file(workspace.project.root, environment.name)
        if file is None:
            return None
        current = described(workspace, environment, contexts=False)
    except EnvmanError:
        return Glance(agrees=False, images={})
    return glance(file.lock, current, agrees=not differences(file, current))
