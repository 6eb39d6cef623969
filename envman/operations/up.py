"""Bringing an environment up, and its one-off runs and builds."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envman.diagnostics import Diagnostic, EnvmanError
from envman.diagnostics.diagnostic import fail, near_match
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.operations.building import TAIL, build, drain
from envman.operations.carry_out import announce, completed_one_shots, make_way, wake
from envman.operations.gone import is_pinned, locked_image_gone
from envman.operations.leaving import save_leaving, warn_of_unnamed
from envman.operations.obstacles import refuse_obstacles
from envman.operations.options import UpOptions
from envman.operations.planning import plan_up, remember_definitions
from envman.operations.prepare import Prepared, look, prepare
from envman.operations.progress import Progress, Silent
from envman.operations.renaming import warn_of_older
from envman.operations.rolling import roll, rolled_services
from envman.operations.trouble import broke_off, trouble
from envman.operations.wait import StackWatch
from envman.operations.workspace import Workspace
from envman.plan.observed import Observed
from envman.plan.plan import Action, Plan
from envman.plan.published import Url, published_urls
from envman.state.journal import Entry, journalled

if TYPE_CHECKING:
    from envman.engine.command import Handle

_ABSENT = r"(?i)manifest unknown|manifest.*not found"
_NO_IMAGE = rf"{_ABSENT}|pull access denied|no such image|failed to resolve reference"


@dataclass(frozen=True, slots=True)
class Up:
    """An environment that is up: the plan that was carried out and where to reach it.

    ``snapshot`` is the name of the one of the anonymous volumes that the plan left behind.
    """

    environment: Environment
    plan: Plan
    urls: tuple[Url, ...]
    seconds: float
    snapshot: str | None = None


def up(workspace: Workspace, environment: Environment, options: UpOptions, progress: Progress) -> Up:
    """Bring ``environment`` up and, if ``options`` say so, wait until it is healthy.

    Raises:
        EnvmanError: EV60x with the failing service's last words, EV50x for what is not ours, EV4xx for the engine.
    """
    started = time.monotonic()
    check_services(environment, options.services)
    check_profiles(environment, options.profiles)
    if options.adopt is not None:
        from envman.operations.adopting import adopt_volumes, discard_half_copied

        discard_half_copied(workspace, environment)
    services = wanted_services(
        environment, options.services or None, frozenset(options.profiles), dependencies=options.dependencies
    )
    prepared = prepare(workspace, environment, progress, services)
    plan = plan_up(workspace, prepared, options)
    whole = announce(prepared, plan, progress)
    if not plan:
        urls = published_urls(environment, prepared.document, options.profiles, prepared.observed.containers)
        if not options.wait:
            return Up(environment, whole, urls, time.monotonic() - started)
        watch = StackWatch(workspace, environment, services, Silent(), time.time())
        watch.follow(started + options.timeout, known=prepared.observed)
        return Up(environment, whole, urls, time.monotonic() - started)
    for one in warn_of_older(workspace, environment, prepared.observed):
        progress.warning(f"{one.message}; {one.help}")
    refuse_obstacles(workspace, prepared, plan)
    with journalled(workspace.checkout.state, Entry("up", environment.key)):
        fetch_images(workspace, prepared, plan, options, progress)
    warn_of_unnamed(workspace, prepared, plan.services(Action.CREATE, Action.RECREATE))
    # It has a record of its own; until here nothing of the stack has changed.
    saved = save_leaving(workspace, prepared, plan, options, "up", progress)
    with journalled(workspace.checkout.state, Entry("up", environment.key)):
        if options.adopt is not None:
            adopt_volumes(workspace, prepared, plan, options, progress)
        # A build or a pull may bring another image, and Compose then another container.
        replaced = frozenset(plan.services(Action.RECREATE, Action.BUILD, Action.PULL))
        rolled = rolled_services(prepared, plan, prepared.observed)
        apart = frozenset(one.service for one in rolled)
        deadline = time.monotonic() + options.timeout
        start(workspace, prepared, plan, services, options, progress, replaced=replaced, apart=apart)
        for rolling in rolled:
            roll(workspace, prepared, rolling, options, progress, deadline=deadline)
        after = _expect_nothing_left(workspace, prepared, options)
    urls = published_urls(environment, prepared.document, options.profiles, after.containers)
    return Up(environment, whole, urls, time.monotonic() - started, saved)


def _expect_nothing_left(workspace: Workspace, prepared: Prepared, options: UpOptions) -> Observed:
    """Look again, and return what is there: it must be what the plan wanted.

    Raises:
        EnvmanError: EV630 with what a plan would still do.
    """
    after = replace(prepared, observed=look(workspace, prepared.environment))
    left = plan_up(workspace, after, replace(options, build=False, pull=False, recreate=False))
    if any(options.wait or step.action is not Action.START for step in left.steps):
        name = prepared.environment.name
        raise fail(
            "EV630",
            f"{name} came up, but is not what its blueprint says",
            help=f"`envman plan {name}` shows what is left; somebody else may be changing the stack",
            detail="\n".join(map(str, left.steps)),
        )
    return after.observed


def check_services(environment: Environment, names: Sequence[str]) -> None:
    """Raise EV607 for a name that is no service of ``environment``."""
    known = environment.stack.services
    for name in names:
        if name not in known:
            raise fail(
                "EV607",
                f'{environment.name} has no service "{name}"',
                expected=near_match(name, known) or f"one of {', '.join(known)}",
            )


def check_profiles(environment: Environment, names: Sequence[str]) -> None:
    """Raise EV617 for a profile that no service of ``environment`` has."""
    known = sorted({profile for service in environment.stack.services.values() for profile in service.profiles or ()})
    for name in names:
        if name not in {*known, "*"}:
            listed = f"one of {', '.join(known)}" if known else "no profile: no service has one"
            raise fail(
                "EV617", f'{environment.name} has no profile "{name}"', expected=near_match(name, known) or listed
            )


def fetch_images(workspace: Workspace, prepared: Prepared, plan: Plan, options: UpOptions, progress: Progress) -> None:
    """Build and pull what ``plan`` says.

    Raises:
        EnvmanError: EV601 for an image that cannot be had, EV602 for a build that failed, with its own output.
    """
    to_build, to_pull = plan.services(Action.BUILD), plan.services(Action.PULL)
    try:
        if to_pull:
            pull(workspace, prepared, to_pull, progress)
        if to_build:
            build(workspace, prepared, to_build, progress, pull_bases=options.pull)
    except KeyboardInterrupt:
        progress.notice(f"{prepared.environment.name} is as it was before; its images are not complete yet")
        raise


def pull(workspace: Workspace, prepared: Prepared, services: Sequence[str], progress: Progress) -> None:
    """Pull the images of ``services``.

    Raises:
        EnvmanError: EV601 for each image that cannot be had, EV4xx and EV5xx for what keeps Compose from it.
    """
    images = {prepared.environment.stack.services[name].image for name in services}
    progress.step(f"pulling {', '.join(sorted(filter(None, images)))}")
    handle = prepared.compose.start("--progress", "plain", "pull", *services)
    if drain(handle, None) != 0:
        tail = handle.tail(TAIL)
        known = None if broke_off(tail) else trouble(prepared, tail)
        raise EnvmanError(*[known] if known else _pull_problems(workspace, prepared, services, tail))


def _pull_problems(workspace: Workspace, prepared: Prepared, services: Sequence[str], tail: str) -> list[Diagnostic]:
    environment = prepared.environment
    named = [name for name in services if re.search(rf"\b{re.escape(name)}\b.*(?:Error|error)", tail)]
    if not named:
        from envman.engine.images import find_images

        # Compose names no service: those whose images are not on the engine.
        wanted = {name: image for name in services if (image := prepared.document.image(name))}
        present = find_images(workspace.engine, set(wanted.values()))
        named = [name for name, image in wanted.items() if image not in present] or list(services)
    gone = [name for name in named if re.search(_ABSENT, tail) and is_pinned(prepared, name)]
    if gone:
        return [locked_image_gone(prepared, name, tail) for name in gone]
    return [
        Diagnostic(
            "EV601",
            f"image {environment.image(name)} of {name} cannot be pulled",
            environment.span("services", name, "image"),
            "an image that exists in a registry this engine can reach",
            help="its registry went away; run the same command again: what was fetched until then is kept"
            if broke_off(tail)
            else "check the name and tag; `envman doctor` says whether the hub can be reached; "
            "for a private registry, `docker login`",
            detail=tail,
        )
        for name in named
    ]


def start(
    workspace: Workspace,
    prepared: Prepared,
    plan: Plan,
    services: Sequence[str],
    options: UpOptions,
    progress: Progress,
    *,
    replaced: frozenset[str] = frozenset(),
    apart: frozenset[str] = frozenset(),
) -> None:
    """Have Compose create and start ``services`` as ``plan`` says, and wait for them, if ``options`` say so.

    What the containers of services that are ``replaced`` do until then counts for nothing. Services that are ``apart``
    are left as they are.

    Raises:
        EnvmanError: EV60x with the failing service's last words, EV505 for a port that was taken meanwhile, EV4xx for
            the engine, EV008.
    """
    services = [name for name in services if name not in apart]
    environment = prepared.environment
    deadline = time.monotonic() + options.timeout
    remember_definitions(workspace, environment, prepared.document, prepared.observed)
    make_way(workspace, prepared, plan)
    began = workspace.engine.now()
    if apart and not services:
        return
    progress.step(f"starting {environment.name}")
    wake(workspace, prepared.observed, services)
    doomed = frozenset(one.id for one in prepared.observed.containers if one.service in replaced)
    watch = StackWatch(workspace, environment, services, progress, began, prepared.document.digests, doomed)
    try:
        for arguments in _phases(workspace, prepared, plan, services, options, apart):
            handle = _compose(prepared, options, *arguments)
            try:
                if "--no-start" in arguments:
                    drain(handle, None)
                else:
                    watch.follow(deadline, handle=handle, ready=options.wait)
            except BaseException:
                handle.interrupt()
                raise
            if handle.wait() != 0:
                raise EnvmanError(*_why(watch, prepared, handle))
    except KeyboardInterrupt:
        for line in watch.states():
            progress.notice(line)
        raise


def _phases(
    workspace: Workspace,
    prepared: Prepared,
    plan: Plan,
    services: Sequence[str],
    options: UpOptions,
    apart: frozenset[str],
) -> Iterator[list[str]]:
    """Yield what `compose up` is called with, one after the other.

    It starts every container of a service that does not run. Where there are one-shots that have completed, it first
    makes what is to be made, and then starts the others alone.
    """
    common = [] if options.services else ["--remove-orphans"]
    if apart or not options.dependencies:
        # Or Compose would see to what is apart as well, as what others depend on.
        common.append("--no-deps")
    chosen = services if options.services or apart else []
    forced = [step.name for step in plan.steps if step.force and step.name not in apart]
    if forced:
        yield [*common, "--no-start", "--force-recreate", *forced]
    everything = [*common, *(["--force-recreate"] if options.recreate else []), *chosen]
    again = plan.services(Action.RERUN)
    if not completed_one_shots(prepared, prepared.observed, [name for name in services if name not in again]):
        yield [*everything, "--detach"]
        return
    if plan.creates:
        yield [*everything, "--no-start"]
    completed = completed_one_shots(prepared, look(workspace, prepared.environment), services)
    rest = [name for name in services if name not in completed]
    if rest:
        yield ["--detach", "--no-recreate", "--no-deps", *rest]


def _compose(prepared: Prepared, options: UpOptions, *arguments: str) -> Handle:
    names = (*prepared.environment.stack.profiles, *options.profiles)
    profiles = [part for name in names for part in ("--profile", name)]
    return prepared.compose.start("--progress", "plain", *profiles, "up", "--no-build", "--quiet-pull", *arguments)


def _why(watch: StackWatch, prepared: Prepared, handle: Handle) -> list[Diagnostic]:
    verdicts, _ = watch.look()
    # What had ended before this began is no reason why Compose could not start it.
    failed = [watch.explain(one) for one in verdicts if one.failed is not None and not watch.ended_before(one.failed)]
    tail = handle.tail(TAIL)
    if failed:
        return failed
    environment = prepared.environment
    known = trouble(prepared, tail)
    if known is not None:
        return [known]
    if re.search(_NO_IMAGE, tail):
        return _pull_problems(watch.workspace, prepared, list(environment.stack.services), tail)
    port = re.search(r"(?i)(?:bind for|listen tcp4?) (?:[\d.\[\]]*+:)++(\d++).*(?:allocated|in use)", tail)
    if port:
        return [
            Diagnostic(
                "EV505",
                f"host port {port[1]} was taken while {environment.name} was starting",
                help=f"`envman up {environment.name}` again: an automatic port moves, a fixed one needs to be freed",
                detail=tail,
            )
        ]
    return [Diagnostic("EV610", f"Compose could not start {environment.name}", detail=tail)]
