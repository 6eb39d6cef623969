"""What must be true before Compose touches a stack: it is ours, secrets and ports are there, the render is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envman.checks.access import unwritable_grants
from envman.checks.compose import newer_attributes
from envman.diagnostics import EnvmanError, Report
from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.model.needs import needs_of
from envman.operations.progress import Progress
from envman.operations.workspace import Workspace, automatic_ports, reserved_ports, uses_gpu
from envman.plan.observed import Observed, PortHolder
from envman.plan.ownership import foreign_owners, owned
from envman.render.compose import render
from envman.render.document import Document
from envman.secrets.provide import provide_secrets
from envman.state.listeners import can_bind, holder_of
from envman.state.ports import allocate_ports, read_ports, write_ports

if TYPE_CHECKING:
    from envman.engine.compose import Compose


@dataclass(frozen=True, slots=True)
class Prepared:
    """An environment ready to be driven."""

    environment: Environment
    document: Document
    observed: Observed
    compose: Compose


def look(workspace: Workspace, environment: Environment, *, details: bool = False) -> Observed:
    """Return what is on the engine under the environment's name.

    Raises:
        EnvmanError: EV501 or EV502 where some of it is not this checkout's.
    """
    from envman.engine.observe import observe

    observed = observe(workspace.engine, [environment.compose_project], details=details)
    foreign = list(foreign_owners(environment, workspace.checkout.id, observed))
    if foreign:
        raise EnvmanError(*foreign)
    return observed


def prepare(
    workspace: Workspace, environment: Environment, progress: Progress, *, giving_way: str | None = None
) -> Prepared:
    """Make everything ready for Compose and return it.

    ``giving_way`` is a Compose project whose fixed host ports will be free by the time that they are needed.

    Raises:
        EnvmanError: EV5xx for what belongs to others or is missing, EV4xx for the engine.
    """
    observed = look(workspace, environment)
    refuse_newer_attributes(workspace, environment)
    _refuse_impossible(workspace, environment)
    store = workspace.store(environment)
    ours = [one.name for one in observed.volumes if owned(environment, workspace.checkout.id, one.labels)]
    report = Report()
    values = workspace.values(environment)
    made = provide_secrets(environment, store, workspace.project.root, values, volumes=ours, report=report)
    report.raise_errors()
    for name in made:
        progress.notice(f"generated secret {name}")
    ports = _allocate(workspace, environment, observed, progress, giving_way)
    document = render(environment, workspace.facts(environment, ports=ports, online=True))
    workspace.write_render(environment, document)
    return Prepared(environment, document, observed, workspace.compose(environment, document))


def existing(workspace: Workspace, environment: Environment) -> Prepared:
    """Return the environment ready to be looked at or stopped: nothing new is made for it but its render."""
    observed = look(workspace, environment)
    document = workspace.offline_document(environment)
    path = workspace.compose_file(environment)
    if not path.exists():
        workspace.write_render(environment, document)
    return Prepared(environment, document, observed, workspace.compose(environment, document))


def current_document(workspace: Workspace, environment: Environment) -> Document:
    """Return what a render would be now, with the ports that the running stack has. Nothing is written or allocated."""
    recorded = read_ports(workspace.checkout.state).get(environment.key, {})
    if not recorded and automatic_ports(environment):
        return workspace.offline_document(environment)
    return render(environment, workspace.facts(environment, ports=recorded, online=True))


def refuse_newer_attributes(workspace: Workspace, environment: Environment) -> None:
    """Ask Compose for its version where ``environment`` needs a newer one than most have.

    Raises:
        EnvmanError: EV412 with each attribute that it does not know, EV404 or EV405 where it cannot be used at all.
    """
    if not needs_of(environment):
        return
    from envman.engine.compose import require_compose

    problems = list(newer_attributes(environment, require_compose(workspace.endpoint, workspace.environ)))
    if problems:
        raise EnvmanError(*problems)


def _refuse_impossible(workspace: Workspace, environment: Environment) -> None:
    report = Report()
    if uses_gpu(environment) and not workspace.engine.facts().gpu:
        for name, service in environment.stack.services.items():
            if service.gpu == "required":
                report.error(
                    "EV411",
                    f"{name} requires a GPU, and the engine offers none",
                    environment.span("services", name, "gpu"),
                    expected="an engine with a GPU runtime",
                    help="install the NVIDIA container toolkit, or write `gpu: optional`",
                )
    if not workspace.endpoint.is_local:
        for name, service in environment.stack.services.items():
            for index, mount in enumerate(service.volumes or ()):
                if (
                    mount.type == "bind"
                    and mount.source
                    and (mount.source.startswith(".") or _inside(workspace, mount.source))
                ):
                    report.error(
                        "EV311",
                        f"{name} mounts {mount.source} of this project, but the engine is at {workspace.endpoint.host}",
                        environment.span("services", name, "volumes", index, "source"),
                        expected="a volume, or files that the image brings",
                        help="build the files into the image, or use a local engine",
                    )
        report.extend(unwritable_grants(environment, remote=True))
    report.raise_errors()


def _inside(workspace: Workspace, source: str) -> bool:
    return source.startswith(str(workspace.project.root))


def _allocate(
    workspace: Workspace, environment: Environment, observed: Observed, progress: Progress, giving_way: str | None
) -> dict[tuple[str, str], int]:
    state = workspace.checkout.state
    recorded = read_ports(state)
    own = recorded.get(environment.key, {})
    wanted = automatic_ports(environment)
    held = {port.host_port for one in observed.containers for port in one.ports if port.host_port}
    holders = _holders(workspace, environment)
    taken = {port: _described(holder) for port, holder in holders.items()}
    local = workspace.endpoint.is_local

    def is_free(port: int) -> bool:
        return port in held or (port not in taken and (not local or can_bind(port)))

    ports = allocate_ports(
        (environment.project, environment.key), wanted, own, reserved_ports(recorded, environment.key), is_free
    )
    for key, port in ports.items():
        if key in own and own[key] != port:
            progress.notice(f"host port {own[key]} of {key[0]} {key[1]} was taken; it is {port} now")
    if ports != own:
        write_ports(state, environment.key, ports)
    free_by_then = {port for port, holder in holders.items() if holder.project == giving_way}
    _refuse_taken(environment, held | free_by_then, taken, local=local)
    return ports


def _holders(workspace: Workspace, environment: Environment) -> dict[int, PortHolder]:
    """Return the host ports that containers of other stacks hold, and whose they are."""
    from envman.engine.observe import published_ports

    return {
        port: holder
        for (_, port, _), holder in published_ports(workspace.engine).items()
        if holder.project != environment.compose_project
    }


def _described(holder: PortHolder) -> str:
    return f"container {holder.container}" + (f" of Compose project {holder.project}" if holder.project else "")


def _refuse_taken(environment: Environment, held: set[int], taken: dict[int, str], *, local: bool) -> None:
    from envman.checks.ports import fixed_claims

    for claim in fixed_claims(environment):
        if claim.port in held or claim.protocol != "tcp":
            continue
        holder = taken.get(claim.port, "")
        if not holder and local and not can_bind(claim.port, claim.host_ip):
            holder = holder_of(claim.port) or "another process"
        if holder:
            raise fail(
                "EV505",
                f"host port {claim.port} for {claim.service} is taken by {holder}",
                claim.span,
                expected="a free port",
                help="stop what holds it, choose another port, or write `published: auto`",
            )
