"""What must be true before Compose touches a stack: it is ours, secrets and ports are there, the render is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from envman import LABEL_PREFIX
from envman.checks.access import unwritable_grants
from envman.checks.compose import newer_attributes
from envman.checks.rules import missing_values
from envman.diagnostics import Diagnostic, EnvmanError, Report, Severity
from envman.diagnostics.diagnostic import fail
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.model.needs import needs_of
from envman.operations.bound import bound_by
from envman.operations.progress import Progress
from envman.operations.workspace import Workspace, automatic_ports, reserved_ports
from envman.plan.causes import Cause
from envman.plan.externals import external_grants
from envman.plan.observed import Observed
from envman.plan.occupied import Occupied
from envman.plan.ownership import foreign_owners, owned
from envman.plan.plan import Action, Step
from envman.render.compose import port_key, render
from envman.render.document import Document
from envman.render.gpu import gpu_requests
from envman.secrets.provide import provide_secrets
from envman.state.copying import read_copying
from envman.state.ports import allocate_ports, read_ports, write_ports
from envman.state.reproductions import read_reproduced

if TYPE_CHECKING:
    from envman.engine.compose import Compose


@dataclass(frozen=True, slots=True)
class Prepared:
    """An environment ready to be driven; ``steps`` say what was made for it by then."""

    environment: Environment
    document: Document
    observed: Observed
    compose: Compose
    steps: tuple[Step, ...] = ()


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
    return _with_shared(workspace, environment, observed)


def _with_shared(workspace: Workspace, environment: Environment, observed: Observed) -> Observed:
    """Add the volumes and networks that another environment of this project made for all of them."""
    stack = environment.stack
    volumes, networks = (
        {str(one.name) for one in kind.values() if one is not None and one.shared and one.name}
        - {one.name for one in present}
        for kind, present in ((stack.volumes, observed.volumes), (stack.networks, observed.networks))
    )
    if not volumes and not networks:
        return observed
    from envman.engine.observe import find_resources

    found_volumes, found_networks = find_resources(
        workspace.engine, volumes, networks, {f"{LABEL_PREFIX}project": environment.project}
    )
    return replace(
        observed, volumes=(*observed.volumes, *found_volumes), networks=(*observed.networks, *found_networks)
    )


def prepare(
    workspace: Workspace, environment: Environment, progress: Progress, services: Collection[str] | None = None
) -> Prepared:
    """Make everything ready for Compose and return it. ``services`` are those to be started (default: all active).

    Raises:
        EnvmanError: EV5xx for what belongs to others or is missing, EV4xx for the engine.
    """
    observed = look(workspace, environment)
    refuse_unfinished_restore(workspace, environment)
    refuse_newer_attributes(workspace, environment)
    started = wanted_services(environment, None) if services is None else services
    report = impossible(workspace, environment.only(started))
    report.raise_errors()
    steps = new_secrets(workspace, environment)
    ready_secrets(workspace, environment, observed, progress)
    ports, moves = allocate(workspace, environment, observed)
    for step in moves:
        if step.action is Action.RECREATE:
            progress.warning(step.causes[0].text)
    if ports != read_ports(workspace.checkout.state).get(environment.key, {}):
        write_ports(workspace.checkout.state, environment.key, ports)
    document = render(environment, workspace.facts(environment, ports=ports, online=True))
    workspace.write_render(environment, document)
    return Prepared(environment, document, observed, workspace.compose(environment, document), (*steps, *moves))


def new_secrets(workspace: Workspace, environment: Environment) -> list[Step]:
    """Return a step for each secret whose value `up` makes before anything else."""
    store = workspace.store(environment)
    return [
        Step(Action.CREATE, "secret", name, (Cause("no value yet", environment.key_span("secrets", name)),))
        for name, secret in environment.stack.secrets.items()
        if secret.source == "generate" and not store.has(name)
    ]


def ready_secrets(
    workspace: Workspace,
    environment: Environment,
    observed: Observed,
    progress: Progress,
    *,
    names: Collection[str] | None = None,
) -> None:
    """Put the values of secrets (of ``names`` alone, if given) into the store; those to be generated are made there.

    Raises:
        EnvmanError: EV503 and EV504 for each value that cannot be had.
    """
    store = workspace.store(environment)
    ours = [one.name for one in observed.volumes if owned(environment, workspace.checkout.id, one.labels)]
    report = Report()
    made = provide_secrets(environment, store, workspace.project.root, volumes=ours, report=report, names=names)
    report.raise_errors()
    for name in made:
        progress.notice(f"generated secret {name}")


def existing(workspace: Workspace, environment: Environment) -> Prepared:
    """Return the environment ready to be looked at or stopped: nothing new is made for it but its render.

    Raises:
        EnvmanError: EV501 or EV502 where some of it is not this checkout's, EV4xx for the engine, EV008.
    """
    observed = look(workspace, environment)
    document = workspace.offline_document(environment)
    path = workspace.compose_file(environment)
    if environment.by_labels or not path.exists():
        workspace.write_render(environment, document)
    return Prepared(environment, document, observed, workspace.compose(environment, document))


def current_document(workspace: Workspace, environment: Environment) -> Document:
    """Return what a render would be now, with the ports that the running stack has. Nothing is written or allocated."""
    recorded = read_ports(workspace.checkout.state).get(environment.key, {})
    if not recorded and automatic_ports(environment):
        return workspace.offline_document(environment)
    return render(environment, workspace.facts(environment, ports=recorded, online=True))


def refuse_unfinished_restore(workspace: Workspace, environment: Environment) -> None:
    """Refuse to start services on volumes that are not whole, or whose data has not been cleaned.

    Raises:
        EnvmanError: EV650 where a restore was killed while it refilled a volume, EV665 where a `reproduce` was killed
            before its hooks had cleaned the data.
    """
    refuse_unclean_data(workspace, environment)
    copying = read_copying(workspace.checkout.state, environment.key)
    if copying is None or not copying.refilling:
        return
    if copying.adopted:
        raise fail(
            "EV650",
            f"{', '.join(copying.refilling)} of {environment.name} is not whole: copying it from Compose project "
            f"{copying.adopted} was interrupted",
            help=f"`envman up {environment.name} --adopt-volumes` copies it anew; "
            f"`envman down {environment.name} --volumes` deletes it, and what it is a copy of stays",
        )
    again = f"envman snapshot restore {copying.source} {copying.snapshot}"
    if copying.source != environment.key:
        again += f" --into {environment.name}"
    back = f"; `envman snapshot restore {environment.key} {copying.safety}` goes back" if copying.safety else ""
    raise fail(
        "EV650",
        f"{', '.join(copying.refilling)} of {environment.name} is not whole: restoring it was interrupted",
        help=f"`{again}` repeats it{back}",
    )


def refuse_unclean_data(workspace: Workspace, environment: Environment) -> None:
    """Raise EV665 where volumes may hold data as it was in production: a `reproduce` was killed."""
    unclean = unclean_volumes(workspace, environment)
    if not unclean:
        return
    raise fail(
        "EV665",
        f"{', '.join(unclean)} of {environment.name} may hold data that no hook has cleaned: "
        "`envman reproduce` was interrupted",
        help=f"`envman reproduce` again empties it first; `envman down {environment.name} --volumes` deletes it",
    )


def unclean_volumes(workspace: Workspace, environment: Environment) -> tuple[str, ...]:
    """Return the volumes of ``environment`` (the engine's names) that may hold data as it was in production."""
    known = read_reproduced(workspace.checkout.state, environment.key)
    return known.unclean if known is not None else ()


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


def impossible(workspace: Workspace, environment: Environment) -> Report:
    """Return what keeps the services of ``environment`` from coming up on this engine, whatever is on it.

    EV504 a value is missing, EV526 a secret or config is external,
    EV411 there is no GPU (a warning where no `gpu:` says that it is required: not every
    engine tells that it has one), EV311 and EV319 what a remote engine cannot do.
    """
    report = Report([replace(one, severity=Severity.ERROR) for one in missing_values(environment)])
    report.extend(_missing_gpus(workspace, environment))
    report.extend(external_grants(environment))
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
                        f"{name} mounts {mount.source} of this project, but the engine is at "
                        f"{workspace.endpoint.shown}",
                        environment.span("services", name, "volumes", index, "source"),
                        expected="a volume, or files that the image brings",
                        help="build the files into the image, or use a local engine",
                    )
        report.extend(unwritable_grants(environment, remote=True))
    return report


def _missing_gpus(workspace: Workspace, environment: Environment) -> Iterator[Diagnostic]:
    wanted = {
        name: ("gpu",) if service.gpu == "required" else next(gpu_requests(environment.data["services"][name]), None)
        for name, service in environment.stack.services.items()
        if service.gpu in {None, "required"}
    }
    if not any(wanted.values()) or workspace.engine.facts().gpu:
        return
    for name, path in wanted.items():
        if path is not None:
            required = path == ("gpu",)
            yield Diagnostic(
                "EV411",
                f"{name} {'requires' if required else 'asks for'} a GPU, and the engine offers none",
                environment.span("services", name, *path),
                expected="an engine with a GPU runtime",
                help="install the NVIDIA container toolkit, or write `gpu: optional`",
                severity=Severity.ERROR if required else Severity.WARNING,
            )


def _inside(workspace: Workspace, source: str) -> bool:
    return source.startswith(str(workspace.project.root))


def allocate(
    workspace: Workspace, environment: Environment, observed: Observed
) -> tuple[dict[tuple[str, str], int], list[Step]]:
    """Return the host ports that envman chooses, and a step for each that is new or moves. Nothing is written.

    Raises:
        EnvmanError: EV505 where no port is free.
    """
    wanted = automatic_ports(environment)
    recorded = read_ports(workspace.checkout.state)
    own = recorded.get(environment.key, {})
    holder = _holders(workspace, environment, observed) if wanted else None
    ports = allocate_ports(
        (environment.project, environment.key),
        wanted,
        own,
        reserved_ports(recorded, environment.key),
        lambda key, port: holder is None or not holder(key, port),
    )
    steps = []
    for key, port in ports.items():
        name = " ".join(key)
        span = environment.key_span("services", key[0], "ports")
        if key not in own:
            steps.append(Step(Action.CREATE, "port", name, (Cause("no host port yet", span),)))
        elif holder is not None and own[key] != port:
            who = holder(key, own[key])
            why = f"is taken by {who}" if who else "belongs to another environment of this checkout"
            cause = Cause(f"host port {own[key]} of {name} {why}; it is {port} now", span)
            steps.append(Step(Action.RECREATE, "port", name, (cause,)))
    return ports, steps


def _holders(
    workspace: Workspace, environment: Environment, observed: Observed
) -> Callable[[tuple[str, str], int], str]:
    """Return what says who else has a host port that one of the environment's automatic ports would take."""
    from envman.engine.observe import published_ports
    from envman.engine.occupied import holders_now

    occupied = cache(lambda: Occupied(published_ports(workspace.engine)))
    held = {(port.host_port, port.protocol) for one in observed.containers for port in one.ports}
    local = workspace.endpoint.is_local
    places = {
        (name, port_key(port)): (port.host_ip or "", port.protocol or "tcp")
        for name, service in environment.stack.services.items()
        for port in service.ports or ()
    }

    def holder(key: tuple[str, str], port: int) -> str:
        address, protocol = places[key]
        # What the environment has itself nobody else can have: the engine is not asked for all its containers.
        if (port, protocol) in held:
            return ""
        others = [
            one for one in occupied().holders(port, address, protocol) if one.project != environment.compose_project
        ]
        if others:
            return others[0].describe()
        if not local:
            return ""
        published = partial(holders_now, workspace.engine, port, address, protocol)
        return bound_by(port, address, protocol, published=published, ours={environment.compose_project})

    return holder
