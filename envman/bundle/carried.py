"""Which of a project's files go into a bundle: all that an environment is read from, and what its containers get.

Never secrets: no file of a secret, no ``.env``, no value that looks like one. What is left out is said, and why.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from envman.bundle.container import PIECE, fits
from envman.bundle.contents import NEVER, PROJECT, LeftOut
from envman.bundle.writing import Ingredient, ingredient
from envman.diagnostics import EnvmanError, Report
from envman.diagnostics.limits import HELP, limit
from envman.diagnostics.visible import visible
from envman.model.attributes import Build
from envman.model.confidential import is_secret_name, looks_secret, token_form
from envman.model.environment import Environment
from envman.model.files import Use, named_files
from envman.source.dotenv import dotenv_line, read_dotenv
from envman.source.files import explain_os_error
from envman.source.places import locate
from envman.source.root import PROJECT_FILE

# A mounted folder with more is data or a build's output, not configuration.
MOST_BYTES: Final = 64 << 20
MOST_FILES: Final = 2_000
# Enough of a file to find a key in it.
_SEARCHED: Final = 1 << 20
_SECRET_NAMES: Final = re.compile(
    r"(?i)(?:.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)|id_(?:rsa|dsa|ecdsa|ed25519)|\.?(?:netrc|pgpass|npmrc|pypirc"
    r"|dockercfg|htpasswd|my\.cnf)|credentials(?:\.\w+)?|secrets?(?:\.\w+)?)"
)
_MOST_NAMED: Final = 5
_SECRET: Final = "it is a secret"  # noqa: S105 - a reason
_OUTSIDE: Final = "it lies outside of the project"


@dataclass
class Carried:
    """The project's files that a bundle holds, by their path in it, and what it does not hold."""

    files: dict[str, Ingredient] = field(default_factory=dict)
    left_out: set[LeftOut] = field(default_factory=set)

    def leave(self, what: str, why: str) -> None:
        """Leave ``what`` out."""
        self.left_out.add(LeftOut(visible(what), visible(why)))


def carried_files(environment: Environment, root: Path, values: Mapping[str, str] | None = None) -> Carried:
    """Return what of the project at ``root`` goes into a bundle of ``environment``, but for its lock.

    ``values`` are what locked variables have from outside of the blueprints, by their names in ``.env``
    files; no secret is among them. They stand in ``.env.ENVIRONMENT``, so that the environment is the same where the
    bundle is unpacked.

    Raises:
        OSError: where a blueprint, or a file that one includes, cannot be read.
    """
    return _Collecting(environment, root, values or {}).collect()


class _Collecting:
    def __init__(self, environment: Environment, root: Path, values: Mapping[str, str]) -> None:
        self.environment = environment
        self.root = root
        self.real_root = Path(os.path.realpath(root))
        self.carried = Carried()
        self.outer = values
        self.written: set[str] = set()
        self.secrets = {
            os.path.realpath(root / Path(path).expanduser())
            for secret in environment.stack.secrets.values()
            for path in (secret.file, secret.path)
            if path
        }

    def collect(self) -> Carried:
        environment, stack = self.environment, self.environment.stack
        names = {PROJECT_FILE, *environment.files, *(name for names in environment.reached for name in names)}
        for name in sorted(names):
            self._put(name, self._plain(name, self.root / name))
        for name, secret in stack.secrets.items():
            if secret.source == "generate":
                self.carried.leave(f"secrets.{name}", "a secret: another one is generated where the bundle is used")
            elif secret.external is None:
                why = f"a secret: {_where(secret)} has to be there where the bundle is used"
                self.carried.leave(f"secrets.{name}", why)
        for file in named_files(environment.data):
            if file.use in {Use.CONTENT, Use.LABELS}:
                self._file(file.name)
        for service in stack.services.values():
            if service.build is not None:
                self._build(service.build)
        for container in _containers(environment):
            self._of_container(container)
        self._values()
        return self.carried

    def _values(self) -> None:
        """Put the values of variables into the file that they are read from."""
        name = f".env.{self.environment.name}"
        if self.outer:
            form = self.carried.files.get(name)
            text = b"".join(form.read()) if form is not None else b""
            missing = [one for one in sorted(self.outer) if one not in self.written]
            lines = "".join(f"{dotenv_line(one, self.outer[one])}\n" for one in missing)
            self.carried.files[name] = ingredient(PROJECT + name, text + lines.encode())
        for file in (".env", name):
            if (self.root / file).is_file() and not any(one.what == file for one in self.carried.left_out):
                self.carried.leave(file, "it may hold secrets; values of variables that are locked are in the bundle")

    def _of_container(self, container: Any) -> None:
        for file in container.env_file or ():
            self._env_file(file.path)
        for mount in container.volumes or ():
            if mount.type == "bind" and mount.source:
                self._bind(mount.source)

    def _build(self, build: Build) -> None:
        context = build.context or "."
        self.carried.leave(context, "a build's context: the image is in the bundle")
        file = os.path.normpath(Path(context, build.dockerfile or "Dockerfile"))
        if build.dockerfile_inline is None and locate(self.root, file) is not None and (self.root / file).is_file():
            # Says what the image was built from, which a lock holds too.
            self._file(file)

    def _place(self, path: str) -> tuple[str, Path] | None:
        """Return the name of ``path`` in the project and where it really lies; None where that is elsewhere."""
        found = Path(os.path.normpath(self.root / Path(path).expanduser()))
        real = Path(os.path.realpath(found))
        if not found.is_relative_to(self.root) or not real.is_relative_to(self.real_root):
            self.carried.leave(path, _OUTSIDE)
            return None
        return str(found.relative_to(self.root)), real

    def _file(self, path: str) -> None:
        place = self._place(path)
        if place is not None:
            self._try(path, *place)

    def _try(self, path: str, name: str, real: Path) -> int:
        """Put a file into the bundle if it may be there, and return its size."""
        reason = self._reason_against(name, real)
        if not reason:
            try:
                one = self._plain(name, real)
                self._put(name, one)
            except OSError as error:
                reason = explain_os_error(error) if error.errno else str(error)
            else:
                return one.size
        self.carried.leave(path, reason)
        return 0

    def _reason_against(self, name: str, real: Path) -> str:
        if str(real) in self.secrets:
            return _SECRET
        for one in {Path(name).name, real.name}:
            if is_dotenv(one):
                return "a .env file: it usually holds secrets"
            if _SECRET_NAMES.fullmatch(one):
                return "files of this name usually hold secrets"
        if not fits(PROJECT + name):
            return "its name is too long, or no name for every machine"
        if not real.is_relative_to(self.real_root):
            return _OUTSIDE
        try:
            with os.fdopen(_open(real), "rb") as file:
                if token_form(file.read(_SEARCHED).decode("utf-8", "replace")):
                    return "there is something in it that looks like a key or a password"
        except OSError as error:
            return explain_os_error(error) if error.errno else str(error)
        return ""

    def _plain(self, name: str, real: Path) -> Ingredient:
        with os.fdopen(_open(real), "rb") as file:
            status = os.fstat(file.fileno())
        executable = bool(status.st_mode & 0o100)
        return Ingredient(PROJECT + name, status.st_size, lambda: _pieces(real), executable=executable)

    def _put(self, name: str, one: Ingredient) -> None:
        self.carried.files.setdefault(name, one)

    # --- env files

    def _env_file(self, path: str) -> None:
        place = self._place(path)
        if place is None:
            return
        name, real = place
        report = Report()
        try:
            values = read_dotenv(real, root=self.real_root, report=report, expand=lambda text, *_: text)
        except EnvmanError:
            values, report = {}, Report()
            self.carried.leave(path, "it cannot be read")
            return
        if report.errors or not real.exists():
            self.carried.leave(path, "it cannot be read" if real.exists() else "it is not there")
            return
        plain = {key: value for key, (value, _) in values.items()}
        hidden = [
            key
            for key, value in plain.items()
            if _is_secret(key, value) or (is_dotenv(real.name) and self.outer.get(key) != value)
        ]
        if not hidden and not is_dotenv(real.name) and str(real) not in self.secrets:
            self._try(path, name, real)
            return
        lines = [
            f"# left out of the bundle, to be filled in:\n# {key}=" if key in hidden else dotenv_line(key, value)
            for key, value in plain.items()
        ]
        if name == f".env.{self.environment.name}":
            self.written |= plain.keys() - set(hidden)
        if fits(PROJECT + name):
            self._put(name, ingredient(PROJECT + name, "".join(f"{line}\n" for line in lines).encode()))
        if hidden:
            what = ", ".join(hidden) if len(hidden) <= _MOST_NAMED else f"{len(hidden)} variables"
            self.carried.leave(path, f"values that may be secrets ({what}): the file has their names alone")

    # --- mounts

    def _bind(self, path: str) -> None:
        place = self._place(path)
        if place is None:
            return
        name, real = place
        try:
            kind = real.stat().st_mode
        except OSError as error:
            self.carried.leave(path, explain_os_error(error))
            return
        if stat.S_ISDIR(kind):
            self._folder(path, name, real)
        elif stat.S_ISREG(kind):
            self._try(path, name, real)
        else:
            self.carried.leave(path, "it is neither a file nor a folder")

    def _folder(self, path: str, name: str, real: Path) -> None:
        found = [] if name == "." else list(self._walk(name, real))
        sizes = [size for _, size in found]
        if not found and name != ".":
            self.carried.leave(path, "there is nothing in it: make the folder where the bundle is used")
        files, size = limit(MOST_FILES), limit(MOST_BYTES)
        if name == "." or len(found) > files or sum(sizes) > size:
            reason = (
                "the whole project is mounted: its source is not in the bundle"
                if name == "."
                else f"it has more than {files:,} files or {size >> 20} MiB: copy it by other means, or {HELP}"
            )
            self.carried.leave(path, reason)
            return
        for relative, _ in found:
            below = f"{name}/{relative}"
            inside = Path(os.path.realpath(real / relative))
            self._try(below, below, inside)

    def _walk(self, name: str, folder: Path) -> Iterator[tuple[str, int]]:
        """Yield the files below ``folder``, sorted, with their sizes; one more than may be, and no more."""
        count = 0

        def refused(error: OSError) -> None:
            below = Path(error.filename).relative_to(folder)
            self.carried.leave(f"{name}/{below}", explain_os_error(error))

        for base, folders, files in os.walk(folder, onerror=refused):
            for one in sorted(folders):
                if Path(base, one).is_symlink() and one.lower() not in NEVER:
                    self.carried.leave(f"{name}/{Path(base, one).relative_to(folder)}", "a link to a folder")
            folders[:] = sorted(one for one in folders if one.lower() not in NEVER)
            for one in sorted(files):
                path = Path(base, one)
                try:
                    size = path.stat().st_size
                except OSError:
                    size = 0
                yield str(path.relative_to(folder)), size
                count += 1
                if count > limit(MOST_FILES):
                    return


def is_dotenv(name: str) -> bool:
    """Whether a file called ``name`` is one of those that hold a machine's own values."""
    return name == ".env" or name.startswith(".env.")


def _is_secret(key: str, value: str) -> bool:
    return bool(value) and (is_secret_name(key) or looks_secret(key, value))


def _where(secret: Any) -> str:
    if secret.variable or secret.environment:
        return f"variable {secret.variable or secret.environment}"
    return str(secret.path or secret.file or "its value")


def _containers(environment: Environment) -> Iterable[Any]:
    for service in environment.stack.services.values():
        yield service
        yield from service.pre_start or ()
    yield from environment.stack.jobs.values()


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is not a plain file")
    return descriptor


def _pieces(path: Path) -> Iterator[bytes]:
    with os.fdopen(_open(path), "rb") as file:
        while piece := file.read(PIECE):
            yield piece
