"""Production's stack beside the others: a blueprint of its own, secrets of its own, data of its own, and a report."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from envman.diagnostics.diagnostic import fail
from envman.engine.wire import Question
from envman.model.environment import Environment
from envman.operations.comparing import env_files, report_on
from envman.operations.options import UpOptions
from envman.operations.production import Origin, production
from envman.operations.progress import Progress
from envman.operations.sanitizing import discard, fill, hooks_of, snapshot_named
from envman.operations.up import Up, up
from envman.operations.workspace import Workspace
from envman.project import BLUEPRINTS, check_environment_name, open_project
from envman.reproduction.copying import Copy, blueprint_text, is_own, make_copy
from envman.reproduction.draft import Machine, Token
from envman.reproduction.report import Fidelity
from envman.secrets.store import SecretStore
from envman.state.atomic import write_whole
from envman.state.reproductions import Reproduced, read_reproduced, write_reproduced

_MASTER = ".reproduction"


@dataclass(frozen=True, slots=True)
class ReproduceOptions:
    """``name`` is the copy's, ``data`` a snapshot (``ENV/NAME``, or the name of one of production's)."""

    name: str
    fit: bool = False
    data: str | None = None
    timeout: float = 300.0


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A copy that is up: its blueprint's path below the root, how it came up, and how it compares with production."""

    copy: Environment
    blueprint: str
    up: Up
    fidelity: Fidelity


def check_name(workspace: Workspace, source: str, name: str) -> Path:
    """Return where the blueprint of the copy ``name`` lies, or will.

    Raises:
        EnvmanError: EV004 where it is no name for an environment, EV663 where a blueprint that is no copy has it.
    """
    check_environment_name(name, help="choose one with `--as NAME`")
    path = workspace.project.root / BLUEPRINTS / f"{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return path
    except (OSError, UnicodeDecodeError):
        text = ""
    if not is_own(text):
        raise fail(
            "EV663",
            f"blueprints/{name}.yaml is not a copy as `envman reproduce` wrote it",
            expected="a name that no blueprint has",
            help=f"choose another with `envman reproduce {source} --as NAME`; if you changed a copy by hand and do not "
            "need that any more, remove the file first",
        )
    return path


def reproduce(workspace: Workspace, origin: Origin, options: ReproduceOptions, progress: Progress) -> Reproduction:
    """Bring up a copy of what ``origin`` holds, and compare it with production.

    Raises:
        EnvmanError: EV53x and EV540 where the lock does not hold, EV66x for what no copy can be made of or called,
            EV664 where the data could not be cleaned (nothing runs then), and as ``up``.
    """
    path = check_name(workspace, origin.name, options.name)
    _refuse_former(workspace, origin.name, options.name, path)
    shelved = snapshot_named(workspace, origin.name, options.data) if options.data is not None else None
    progress.step(f"reading {origin.name} as {origin.words} has it")
    found = production(workspace, origin)
    environment = found.environment
    if shelved is not None and not hooks_of(environment):
        workspace.report.warning(
            "EV667",
            f"the data of {shelved[1].name} is used as it is: no service of {environment.name} has a `sanitize:` hook",
            help="write one where the data holds what must not leave production",
        )
    made = make_copy(environment, found.images, _machine(workspace, environment, options.name), fit=options.fit)
    write_whole(path, blueprint_text(made))
    copy = _load(workspace, options.name)
    if read_reproduced(workspace.checkout.state, copy.key) is None:
        write_reproduced(workspace.checkout.state, Reproduced(copy.key))
    _provide(workspace.store(copy), made)
    discard(workspace, copy, progress)
    if shelved is not None:
        fill(workspace, copy, *shelved, progress, timeout=options.timeout)
    done = up(workspace, copy, UpOptions(timeout=options.timeout), progress)
    report = report_on(workspace, found, copy, made.substitutions, left_out=made.left_out)
    return Reproduction(copy, f"{BLUEPRINTS}/{options.name}.yaml", done, report)


def _refuse_former(workspace: Workspace, source: str, name: str, path: Path) -> None:
    """Raise EV663 where an environment that was no copy has left containers or volumes under ``name``."""
    from envman.engine.observe import observe

    if path.exists() or read_reproduced(workspace.checkout.state, name) is not None:
        return
    left = observe(workspace.engine, [f"{workspace.project.name}-{name}"])
    if left.containers or left.volumes:
        names = [*(one.name for one in left.volumes), *(one.name for one in left.containers)]
        raise fail(
            "EV663",
            f"{', '.join(names[:3])} is left of an environment {name} that was no copy",
            expected="a name that no environment has had",
            help=f"choose another with `envman reproduce {source} --as NAME`; nothing was changed",
        )


def compare_again(workspace: Workspace, origin: Origin, name: str, *, fit: bool) -> Fidelity:
    """Return the report on the copy ``name`` that is there, without changing anything.

    Raises:
        EnvmanError: as ``reproduce``; EV663 where ``name`` is no copy.
    """
    check_name(workspace, origin.name, name)
    found = production(workspace, origin)
    made = make_copy(found.environment, found.images, _machine(workspace, found.environment, name), fit=fit)
    copy = _load(workspace, name)
    return report_on(workspace, found, copy, made.substitutions, left_out=made.left_out)


def _load(workspace: Workspace, name: str) -> Environment:
    """Return the copy, from the blueprint that was just written: under no settings, which were production's."""
    workspace.project = open_project(workspace.project.root)
    again = Workspace(workspace.project, workspace.environ, {}, workspace.context)
    again.__dict__["checkout"] = workspace.checkout
    environment = again.environment(name)
    # Production hands these over as it does; the copy's author did not choose that.
    workspace.report.extend(one for one in again.report.diagnostics if one.code not in {"EV308", "EV309"})
    return environment


def _machine(workspace: Workspace, environment: Environment, name: str) -> Machine:
    engine = workspace.engine
    facts = engine.facts()
    own = f"{workspace.project.name}-{name}_"
    [networks] = engine.ask(Question("/networks"))
    subnets = tuple(
        str(pool["Subnet"])
        for one in networks or ()
        if not str(one["Name"]).startswith(own)
        for pool in (one.get("IPAM") or {}).get("Config") or ()
        if pool.get("Subnet")
    )
    devices = {
        str(device["source"])
        for service in environment.data.get("services", {}).values()
        for device in service.get("devices") or ()
    }
    # Another machine's devices cannot be looked at.
    missing = {one for one in devices if not Path(one).exists()} if workspace.endpoint.is_local else set()
    return Machine(
        cpus=facts.cpus,
        memory=facts.memory,
        gpu=facts.gpu,
        subnets=subnets,
        missing_devices=frozenset(missing),
        env_files=env_files(workspace, environment),
    )


def _provide(store: SecretStore, made: Copy) -> None:
    """Put the values into ``store`` that are more than text that is generated. Repeated, they are the same ones."""
    if made.recipes:
        master = store.read(_MASTER)
        if master is None:
            master = secrets.token_hex(32)
            store.write(_MASTER, master)
        for name, recipe in made.recipes.items():
            store.write(name, "".join(_token(master, one) if isinstance(one, Token) else one for one in recipe))
    for name, (key, names) in made.certificates.items():
        if not (store.has(name) and store.has(key)):
            from envman.reproduction.certificate import self_signed

            certificate, private = self_signed(names)
            store.write(name, certificate)
            store.write(key, private)


def _token(master: str, token: Token) -> str:
    """Return what is generated for ``token``: it says nothing of the value in whose place it stands."""
    return hmac.new(master.encode(), token.key.encode(), hashlib.sha256).hexdigest()[:32]
