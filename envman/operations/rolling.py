"""Replacing a service's containers a few at a time, so that the others go on serving.

Compose stops and makes anew all containers of a service at once, and takes no notice of ``deploy.update_config``. Here
Compose still makes every container (``--no-recreate``, with more of them in ``--scale``), so nothing of what a
container is differs; which old ones stop, and when, is decided here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic, EnvmanError
from envman.operations.options import UpOptions
from envman.operations.prepare import Prepared
from envman.operations.progress import Progress
from envman.operations.sequence import Sequence as Start
from envman.operations.wait import StackWatch
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, Observed
from envman.plan.overlap import started_by_compose
from envman.plan.plan import Action, Plan
from envman.plan.rolling import Rolling, rolling_of

_TAIL = 40


def rolled_services(prepared: Prepared, plan: Plan, observed: Observed) -> list[Rolling]:
    """Return how those services are replaced that ``plan`` makes anew and whose blueprint asks for some at a time."""
    found = (
        rolling_of(prepared.environment, prepared.document, name, _of(observed.containers, name))
        for name in plan.services(Action.RECREATE)
    )
    return [one for one in found if one is not None]


def roll(
    workspace: Workspace,
    prepared: Prepared,
    rolling: Rolling,
    options: UpOptions,
    progress: Progress,
    *,
    deadline: float,
) -> None:
    """Replace the containers of one service as ``rolling`` says, until ``deadline`` (monotonic seconds).

    Killed at any point, it can be repeated: what is new already stays.

    Raises:
        EnvmanError: why a new container did not get healthy, and EV635 with what serves now.
    """
    _Roll(workspace, prepared, rolling, options, progress, deadline).run()


def _of(containers: Sequence[ContainerState], name: str) -> list[ContainerState]:
    return [one for one in containers if one.service == name and not one.oneoff]


@dataclass
class _Roll:
    workspace: Workspace
    prepared: Prepared
    rolling: Rolling
    options: UpOptions
    progress: Progress
    deadline: float
    made: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    retired: list[ContainerState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = self.rolling.service
        self.by_compose = started_by_compose(self.prepared.document)
        self.watch = StackWatch(
            self.workspace, self.prepared.environment, [self.name], self.progress, self.workspace.engine.now()
        )
        self.sequence = Start(
            self.workspace, self.prepared.environment.compose_project, self.progress, self.watch.explain
        )

    def run(self) -> None:
        old, kept = self._divide()
        # They serve nobody, and Compose would start them again.
        self._remove([one for one in old if one.state != "running"])
        old = [one for one in old if one.state == "running"]
        count, done = len(old), 0
        failed: list[Diagnostic] = []
        missing = self.prepared.environment.stack.services[self.name].replicas - len(kept)
        self.progress.step(f"replacing {self.name}, {self.rolling.describe(count)}")
        while old:
            part, old = old[: self.rolling.at_once], old[self.rolling.at_once :]
            # What was too many is not replaced; the last part makes up for all that was missing.
            new = min(len(part), missing) if old else missing
            try:
                self._replace(part, new)
                done += len(part)
                self.progress.notice(f"{self.name}: {done} of {count} replaced")
            except EnvmanError as error:
                if self.rolling.failure != "continue":
                    raise self._break_off(error, part) from None
                failed += error.diagnostics
            self.made += self.fresh
            missing -= new
            if old and self.rolling.delay:
                time.sleep(self.rolling.delay)
        self._remove(self.retired)
        if failed:
            raise EnvmanError(*failed)

    def _divide(self) -> tuple[list[ContainerState], list[ContainerState]]:
        """Return the containers that are to be replaced, and those that are what they should be already."""
        from envman.engine.images import image_ids

        name, document = self.name, self.prepared.document
        image = str(document.services[name].get("image") or self.prepared.environment.image(name))
        wanted = image_ids(self.workspace.engine, [image]).get(image)
        everything = self.options.recreate and (not self.options.services or name in self.options.services)
        old: list[ContainerState] = []
        kept: list[ContainerState] = []
        for one in _of(self.watch.observe().containers, name):
            current = one.digest == document.digests[name] and one.image_id == wanted and one.state == "running"
            (kept if current and not everything else old).append(one)
        return old, kept

    def _replace(self, part: Sequence[ContainerState], new: int) -> None:
        if self.rolling.start_first:
            self._make(new)
            self._retire(part)
        else:
            self._retire(part)
            self._make(new)

    def _retire(self, part: Sequence[ContainerState]) -> None:
        from envman.engine.lifecycle import stop

        stop(self.workspace.engine, part)
        if self.by_compose:
            self._remove(part)
        else:
            self.retired += part

    def _make(self, new: int) -> None:
        self.fresh = []
        if new <= 0:
            return
        before = {one.id for one in self._present()}
        profiles = (*self.prepared.environment.stack.profiles, *self.options.profiles)
        flags = [part for name in profiles for part in ("--profile", name)]
        how = ["up", "--detach", "--no-deps", "--quiet-pull"] if self.by_compose else ["create"]
        if not self.options.services:
            how.append("--remove-orphans")
        scale = f"{self.name}={len(before) + new}"
        handle = self.prepared.compose.start(
            "--progress", "plain", *flags, *how, "--no-build", "--no-recreate", "--scale", scale, self.name
        )
        try:
            status = handle.wait()
        except BaseException:
            handle.interrupt()
            raise
        self.fresh = [one.id for one in self._present() if one.id not in before]
        if status != 0:
            raise EnvmanError(Diagnostic("EV610", f"Compose could not make {self.name}", detail=handle.tail(_TAIL)))
        self.sequence.bring_up(self.fresh, timeout=max(self.deadline - time.monotonic(), 0.0))

    def _break_off(self, error: EnvmanError, part: Sequence[ContainerState]) -> EnvmanError:
        """Put right what can be, and return what to raise.

        With ``rollback`` all old containers serve again, else those of the ``part`` that was under way.
        """
        rollback = self.rolling.failure == "rollback"
        back = self.retired if rollback else [one for one in self.retired if one in part]
        doomed = [*self.made, *self.fresh] if rollback else self.fresh
        self._remove([one for one in self._present() if one.id in doomed])
        if back:
            self.progress.step(f"bringing {', '.join(one.name for one in back)} back")
            self.sequence.bring_up({one.id for one in back}, timeout=self.options.timeout)
        self._remove([one for one in self.retired if one not in back])
        serving = [one for one in self._present() if one.state == "running"]
        old = sum(one.digest != self.prepared.document.digests[self.name] for one in serving)
        service = self.prepared.environment.key_span("services", self.name)
        return EnvmanError(
            *error.diagnostics,
            Diagnostic(
                "EV635",
                f"{self.name} is not replaced: {len(serving)} containers of it run, {old} of them as before",
                service,
                help=f"`envman up {self.prepared.environment.name}` goes on from here once the reason is gone",
            ),
        )

    def _present(self) -> list[ContainerState]:
        return _of(self.sequence.observe(), self.name)

    def _remove(self, containers: Sequence[ContainerState]) -> None:
        from envman.engine.removal import remove_container

        for one in containers:
            remove_container(self.workspace.engine, one.id, expected=self._labels())

    def _labels(self) -> dict[str, str]:
        return {f"{LABEL_PREFIX}checkout": self.workspace.checkout.id}
