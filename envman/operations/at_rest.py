"""`up` with nothing to do, known without reading a blueprint.

A plan is a pure function of files, process variables, what is kept in the state folder, and what is on the engine. So
where all of these are as they were when the plan was empty, it is empty. The first three are held by the record that
renders are held by (``state.cache``), the last by a picture of the stack (``engine.picture``), taken anew each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from envman.operations.request import Request
from envman.plan.published import Url
from envman.state.checkout import Checkout
from envman.state.journal import interrupted, interrupted_switch
from envman.state.lock import is_held

if TYPE_CHECKING:
    from envman.operations.workspace import Workspace

KIND: Final = "at-rest"


@dataclass(frozen=True, slots=True)
class AtRest:
    """An environment that is as it should be."""

    environment: str
    compose_project: str
    urls: tuple[Url, ...]


def find_at_rest(request: Request, environ: Mapping[str, str]) -> AtRest | None:
    """Return the environment if it is surely at rest, None where it has to be looked into.

    Raises:
        EnvmanError: as ``open_checkout``, ``resolve_endpoint`` and ``observe``.
    """
    found = request.recall(KIND, environ)
    if found is None:
        return None
    kept, checkout = found
    if checkout.notice or is_held(checkout.state):
        return None
    if interrupted(checkout.state) or interrupted_switch(checkout.state):
        return None
    from envman.engine.connection import connect
    from envman.engine.endpoint import resolve_endpoint
    from envman.engine.images import image_ids
    from envman.engine.observe import observe, with_details
    from envman.engine.picture import picture, settled

    endpoint = resolve_endpoint(environ, context=request.context)
    if repr(endpoint) != kept["endpoint"]:
        return None
    engine = connect(endpoint)
    observed = with_details(engine, observe(engine, [kept["compose_project"]]), kept["sharing"])
    images = image_ids(engine, kept["images"])
    if picture(observed, images) != kept["picture"]:
        return None
    if kept["gpu"] is not None and engine.facts().gpu != kept["gpu"]:
        return None
    if kept["builds"] and not _as_built(request, checkout, kept["builds"], images):
        return None
    if not all(settled(one) for one in observed.containers):
        return None
    return AtRest(kept["environment"], kept["compose_project"], tuple(Url(*one) for one in kept["urls"]))


def _as_built(request: Request, checkout: Checkout, builds: Mapping[str, Any], images: Mapping[str, str]) -> bool:
    """Whether building each image (by reference: its `build` section, what is pinned in it) again would be the same."""
    from envman.source.context import FileHashes, build_inputs
    from envman.state.builds import build_changes, read_build, read_hashes

    hashes = FileHashes(read_hashes(checkout.state))
    for reference, (section, pinned) in builds.items():
        now = build_inputs(section, request.root, hashes, pinned)
        record = read_build(checkout.state, reference)
        if build_changes(record, images.get(reference, ""), now.definition, now.files, now.pins):
            return False
    return True


def keep_at_rest(request: Request, workspace: Workspace) -> None:
    """Look again at an environment for which nothing was to be done, and keep what there is to see.

    Nothing is kept where it depends on the version of Compose; where there is a warning, which has to be said each
    time; or where the engine is elsewhere.

    Raises:
        EnvmanError: as ``plan_up`` and, where the request is frozen, ``freeze``.
    """
    from envman.engine.images import image_ids
    from envman.engine.observe import with_details
    from envman.engine.picture import picture
    from envman.model.needs import needs_of
    from envman.operations.frozen import freeze
    from envman.operations.options import UpOptions
    from envman.operations.planning import plan_up
    from envman.operations.prepare import Prepared, current_document, look
    from envman.operations.workspace import uses_gpu
    from envman.plan.dependencies import sharing_services
    from envman.plan.published import chooses_ports, published_urls

    if not workspace.endpoint.host.startswith("unix://") or workspace.checkout.notice:
        return
    again, witness, checkout = request.watched(workspace)
    environment = again.environment(request.environment or None)
    if request.frozen:
        environment = freeze(again, environment)
    services = environment.stack.services
    if again.report or needs_of(environment):
        return
    document = current_document(again, environment)
    if chooses_ports(document):
        return
    sharing = sharing_services(document.services)
    # Of these it matters when they started.
    observed = with_details(again.engine, look(again, environment), sharing)
    if plan_up(again, Prepared(environment, document, observed, again.compose(environment, None)), UpOptions()):
        return
    if any(one.health in {"starting", "unhealthy"} for one in observed.containers):
        return
    references = sorted({image for name in services if (image := document.image(name))})
    result: dict[str, Any] = {
        "endpoint": repr(workspace.endpoint),
        "environment": environment.name,
        "compose_project": environment.compose_project,
        "images": references,
        "sharing": sorted(sharing),
        "gpu": workspace.engine.facts().gpu if uses_gpu(environment) else None,
        "builds": {
            document.image(name): [document.services[name]["build"], sorted(document.pins.get(name, ()))]
            for name, one in services.items()
            if one.build is not None and name not in again.kept_images(environment)
        },
        "picture": picture(observed, image_ids(workspace.engine, references)),
        "urls": published_urls(environment, document),
    }
    request.keep(KIND, workspace, witness, checkout, result)
