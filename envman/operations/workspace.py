"""A project on a machine: its environments, its checkout's state, and the one endpoint that everything talks to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from envman.checks import as_file, check_environment
from envman.diagnostics import Report
from envman.facts import Facts
from envman.language.interpolate import is_unset
from envman.model.environment import Environment
from envman.model.files import Use, named_files
from envman.project import Project, load_environment, open_project
from envman.registry.places import Places, moved
from envman.render.compose import image_names, port_key, render
from envman.render.document import Document
from envman.secrets.provide import absent_secrets
from envman.secrets.store import SecretStore
from envman.source.places import is_file, locate
from envman.source.tree import leaves
from envman.source.witness import WatchedEnviron, Witness, watched
from envman.state.atomic import write_if_changed
from envman.state.checkout import Checkout, open_checkout, render_path
from envman.state.places import machine_places
from envman.state.ports import allocate_ports, read_ports
from envman.state.selection import read_selection

if TYPE_CHECKING:
    from envman.engine.compose import Compose
    from envman.engine.connection import Engine
    from envman.engine.endpoint import Endpoint
    from envman.lock.pins import Pins


@dataclass
class Workspace:
    """What a command works on. ``report`` collects warnings for the edge to show."""

    project: Project
    environ: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    context: str | None = None
    instance: str | None = None
    report: Report = field(default_factory=Report)
    # What renders use under a lock, by the environment's key (`operations.frozen`).
    pins: dict[str, Pins] = field(default_factory=dict)
    witness: Witness | None = None

    @classmethod
    def at(
        cls,
        directory: Path,
        environ: Mapping[str, str],
        *,
        settings: Mapping[str, str] | None = None,
        context: str | None = None,
        instance: str | None = None,
    ) -> Workspace:
        """Return the workspace of the project that ``directory`` lies in."""
        return cls(open_project(directory), environ, settings or {}, context, instance)

    @cached_property
    def checkout(self) -> Checkout:
        """The checkout; it gets an ID the first time."""
        return open_checkout(self.project.root, self.project.name, self.environ)

    def watch(self, witness: Witness) -> None:
        """Let ``witness`` record what is looked at from here on; the project's file is read again for it."""
        checkout = self.checkout
        self.project = open_project(watched(self.project.root, witness))
        self.checkout = replace(checkout, state=watched(checkout.state, witness))
        self.environ = WatchedEnviron(self.environ, witness)
        self.witness = witness
        self.__dict__.pop("places", None)

    @cached_property
    def places(self) -> Places:
        """The registry map: this machine's before the project's, prefix by prefix.

        Raises:
            EnvmanError: EV428.
        """
        return {**self.project.places, **machine_places(self.environ, self.witness)}

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where the engine is: resolved once, for every part of envman."""
        from envman.engine.endpoint import resolve_endpoint

        return resolve_endpoint(self.environ, context=self.context)

    @cached_property
    def engine(self) -> Engine:
        """The connected engine."""
        from envman.engine.connection import connect

        return connect(self.endpoint)

    def chosen(self, name: str | None) -> str:
        """Return ``name``, else what `envman use` chose, else the only environment.

        Raises:
            EnvmanError: EV010 where none of these is there.
        """
        from envman.diagnostics.diagnostic import fail

        if name is not None:
            return name
        selected = read_selection(self.checkout.state).environment
        if selected is not None:
            return selected
        names = self.project.environments(self.report)
        if len(names) == 1:
            return names[0]
        raise fail(
            "EV010",
            "no environment is named and none is chosen",
            expected=f"one of {', '.join(names)}" if names else "a blueprint in blueprints/",
            help=f"name it, or choose one with `envman use {names[0] if names else 'NAME'}`",
        )

    def has_choice(self) -> bool:
        """Whether an environment need not be named: one was chosen, or there is only one."""
        selected = read_selection(self.checkout.state).environment
        return selected is not None or len(self.project.environments(self.report)) == 1

    def chosen_instance(self) -> str | None:
        """Return the instance: ``--instance``, else ``ENVMAN_INSTANCE``, else what `envman use` chose."""
        return self.instance or self.environ.get("ENVMAN_INSTANCE") or read_selection(self.checkout.state).instance

    def environment(
        self,
        name: str | None = None,
        *,
        to_run: bool = True,
        unset: bool = False,
        services: Sequence[str] = (),
        profiles: Sequence[str] = (),
    ) -> Environment:
        """Return the environment, checked; its warnings go to ``report``.

        Checked are the services that are active where ``services`` are named and ``profiles`` given.

        Unless it is ``to_run``, what would only keep it from running is a warning too. With ``unset`` values may lack
        their variables; what else such an environment would be told is left out.

        Raises:
            EnvmanError: with everything that is wrong with it.
        """
        chosen = self.chosen(name)
        environment = load_environment(
            self.project,
            chosen,
            self.report,
            settings=self.settings,
            process=self.environ,
            instance=self.chosen_instance(),
            unset=unset,
        )
        if environment is not None and not (unset and any(is_unset(leaf) for _, leaf in leaves(environment.tree))):
            found = Report()
            check_environment(environment, self.project.root, found, services=services, profiles=profiles)
            self.report.extend(found.diagnostics if to_run else as_file(found.diagnostics))
        self.report.raise_errors()
        assert environment is not None  # its absence is an error in the report
        return environment

    def store(self, environment: Environment) -> SecretStore:
        """Return the environment's secret store."""
        return SecretStore.of(self.checkout.state, environment.key)

    def facts(self, environment: Environment, *, ports: Mapping[tuple[str, str], int], online: bool) -> Facts:
        """Return the facts for rendering; ``online`` asks the engine, else its documented defaults hold."""
        store = self.store(environment)
        remote = online and not self.endpoint.is_local
        pins = self.pins.get(environment.key)
        images = self.mapped_images(environment)
        contexts = self._mapped_contexts(environment)
        if pins is not None:
            images = {**images, **pins.images}
            contexts = {
                name: {**contexts.get(name, {}), **pins.contexts.get(name, {})} for name in {*contexts, *pins.contexts}
            }
        return Facts(
            project_directory=self.project.root,
            state_directory=self.checkout.state,
            checkout=self.checkout.id,
            ports=ports,
            gpu=online and uses_gpu(environment) and self.engine.facts().gpu,
            secrets="environment" if remote else "file",
            absent_secrets=absent_secrets(environment, self.project.root),
            fingerprints=self._fingerprints(environment, store),
            variables={name: store.mark(name, value.encode()) for name, value in environment.handed.values.items()},
            files=self.file_digests(environment, Use.CONTENT, Use.VARIABLES),
            images=images,
            never_pulled=frozenset() if pins is None else pins.never_pulled,
            contexts=contexts,
        )

    def kept_images(self, environment: Environment) -> frozenset[str]:
        """Return the services whose image is as it is locked: under its lock nothing of them is built."""
        pins = self.pins.get(environment.key)
        return frozenset() if pins is None else pins.kept

    def mapped_images(self, environment: Environment) -> dict[str, str]:
        """Return the names that the registry map makes of those in the blueprint, by name as written there.

        What the environment itself builds keeps its name, as nobody pulls it.
        """
        names = image_names(environment) if self.places else ()
        return {name: one.familiar for name in names if (one := moved(name, self.places)) is not None}

    def _mapped_contexts(self, environment: Environment) -> Mapping[str, Mapping[str, str]]:
        if not self.places:
            return {}
        from envman.operations.described import mapped_bases

        return mapped_bases(self, environment)

    def image(self, environment: Environment, service: str) -> str | None:
        """Return the reference that a service's image is found by here: as a render of ``environment`` names it."""
        written = environment.image(service)
        pins = self.pins.get(environment.key)
        images = {**self.mapped_images(environment), **(pins.images if pins is not None else {})}
        return images.get(written, written) if written is not None else None

    def _fingerprints(self, environment: Environment, store: SecretStore) -> dict[str, str]:
        marks = {}
        for name, secret in environment.stack.secrets.items():
            if secret.file is not None and secret.source is None:
                content = self.content(secret.file)
                if content is not None:
                    marks[name] = store.mark(name, content)
            elif secret.environment is not None and secret.source is None:
                if secret.environment in environment.handed.values:
                    marks[name] = store.mark(name, environment.handed.values[secret.environment].encode())
            elif store.has(name):
                marks[name] = store.fingerprint(name)
        return marks

    def content(self, name: str) -> bytes | None:
        """Return what the file ``name`` of a blueprint holds, or None where there is none."""
        path = locate(self.project.root, name)
        try:
            return path.read_bytes() if path is not None and is_file(path) else None
        except OSError:
            return None

    def file_digests(self, environment: Environment, *uses: Use) -> dict[str, str]:
        """Return the digests of the files that ``environment`` names for one of ``uses``, by path as written."""
        digests = {}
        for name in {one.name for one in named_files(environment.data) if one.use in uses}:
            content = self.content(name)
            if content is not None:
                digests[name] = file_mark(content)
        return digests

    def offline_document(self, environment: Environment) -> Document:
        """Return the document without asking an engine: recorded ports, else the ones that would be tried first."""
        recorded = read_ports(self.checkout.state)
        own = recorded.get(environment.key, {})
        others = reserved_ports(recorded, environment.key)
        ports = allocate_ports(
            (environment.project, environment.key), automatic_ports(environment), own, others, lambda *_: True
        )
        return render(environment, self.facts(environment, ports=ports, online=False))

    def compose_file(self, environment: Environment) -> Path:
        """Return where the environment's render lies; that of one known by its labels never takes its place."""
        if environment.by_labels:
            return render_path(self.project.root, f"engine/{environment.compose_project}")
        return render_path(self.project.root, environment.key)

    def write_render(self, environment: Environment, document: Document) -> Path:
        """Write the render, whole, and return its path."""
        path = self.compose_file(environment)
        write_if_changed(path, document.text())
        return path

    def compose(self, environment: Environment, document: Document | None) -> Compose:
        """Return Compose for the environment's render, with the values that it must read from its environment."""
        from envman.engine.compose import Compose

        store, handed = self.store(environment), environment.handed.values
        variables = {} if document is None else document.variables
        confidential = {one.environment for one in environment.stack.secrets.values() if one.environment}
        return Compose(
            endpoint=self.endpoint,
            project_name=environment.compose_project,
            file=self.compose_file(environment),
            project_directory=self.project.root,
            environ=self.environ,
            variables=handed,
            secrets={
                **{name: handed[name] for name in confidential if name in handed},
                **{variable: store.read(name) or "" for variable, name in variables.items()},
            },
        )


def file_mark(content: bytes) -> str:
    """Return what tells one content of a file that a service uses from another."""
    return hashlib.sha256(content).hexdigest()[:32]


def automatic_ports(environment: Environment) -> list[tuple[str, str]]:
    """Return the (service, port) pairs whose host port envman chooses."""
    return [
        (name, port_key(port))
        for name, service in environment.stack.services.items()
        for port in service.ports or ()
        if port.automatic
    ]


def reserved_ports(recorded: Mapping[str, Mapping[tuple[str, str], int]], key: str) -> frozenset[int]:
    """Return the ports that environments other than ``key`` hold."""
    return frozenset(port for other, ports in recorded.items() if other != key for port in ports.values())


def uses_gpu(environment: Environment) -> bool:
    """Return whether any service would take a GPU."""
    return any(service.gpu in {"optional", "required"} for service in environment.stack.services.values())
