"""Where a template comes from: the one inside envman, a folder, or a git address. And which one it is."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from envman.diagnostics.diagnostic import fail
from envman.shipped import shipped
from envman.source.files import read_text
from envman.template.git import GitError, run_git
from envman.template.record import is_template_name, is_version

SHIPPED: Final = "cookiecutter-mlproject"
_CONTEXT: Final = "cookiecutter.json"
# ssh's short form: `git@host:group/repository`.
_SHORT: Final = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:\S+")
_WITH_CREDENTIALS: Final = re.compile(r"https?://[^/?#]*@|[a-z+]+://[^/?#@]*:[^/?#@]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Template:
    """A template: its folder, name and version, the git address it is from, its options as cookiecutter has them."""

    folder: Path
    name: str
    version: str
    source: str | None
    context: dict[str, Any]


def shipped_template() -> Template:
    """Return the template that comes with envman."""
    return _examine(shipped(SHIPPED), name=SHIPPED, version="", source=None)


@contextmanager
def open_template(location: str | None, version: str | None) -> Iterator[Template]:
    """Give the template at ``location`` (a folder, a git address; None: envman's own), in ``version`` if one is asked.

    Raises:
        EnvmanError: EV707 where there is no template, EV708 where it has not that version.
    """
    if version is not None and not is_version(version):
        raise fail("EV708", f'"{version}" is not a version', expected="numbers with dots between: 1.2.0")
    if location is None:
        template = shipped_template()
        yield _in_version(template, version, f"this envman brings {template.version}: another version of envman may")
    elif _is_address(location) or (version is not None and (Path(location) / ".git").exists()):
        with tempfile.TemporaryDirectory(prefix="envman-template.") as work:
            tag = _clone(location, Path(work) / "template", version)
            name = location.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]
            source = location if _is_address(location) else None
            template = _examine(Path(work) / "template", name=name, version=tag, source=source)
            yield _in_version(template, version, f"its tag {version} says {template.version} of itself")
    else:
        folder = Path(location).absolute()
        template = _examine(folder, name=folder.name, version="", source=None)
        yield _in_version(template, version, f"{location} holds {template.version}")


def _is_address(location: str) -> bool:
    return "://" in location or _SHORT.fullmatch(location) is not None


def _in_version(template: Template, version: str | None, held: str) -> Template:
    if version is not None and template.version != version:
        raise fail("EV708", f"there is no version {version} of {template.name} here", help=held)
    return template


def _clone(location: str, folder: Path, version: str | None) -> str:
    """Clone ``location`` and return the version that its tag says; "" where none was asked."""
    if _WITH_CREDENTIALS.match(location):
        raise fail(
            "EV707",
            "the template's address holds a user or password, which envman would record",
            help="leave it out: git asks its credential helper",
        )
    errors = []
    for tag in (version, f"v{version}") if version else (None,):
        branch = ("--branch", tag) if tag else ()
        try:
            # A plain folder is cloned through git's transport, or --depth would be ignored with a warning.
            run_git("clone", "--quiet", "--depth=1", "--no-local", *branch, "--", location, str(folder))
        except GitError as error:
            errors.append(error.message)
        else:
            return version or ""
    if version and all("Remote branch" in error for error in errors):
        raise fail(
            "EV708",
            f"there is no version {version} of the template at {location}",
            help=f"git ls-remote --tags {location} lists what there is",
        )
    raise fail("EV707", f"{location} cannot be cloned", help="is the address right?", detail=errors[0])


def _examine(folder: Path, *, name: str, version: str, source: str | None) -> Template:
    """Return the template in ``folder``, or in its only subfolder that is one; its own name and version come first."""
    if not (folder / _CONTEXT).is_file():
        inside = sorted(path.parent for path in folder.glob(f"*/{_CONTEXT}"))
        if len(inside) != 1:
            raise fail("EV707", f"there is no template in {source or folder}: no {_CONTEXT}")
        folder = inside[0]
    text = read_text(folder / _CONTEXT, _CONTEXT)
    try:
        context = json.loads(text)
    except ValueError as error:
        raise fail("EV707", f"the template's {_CONTEXT} is not JSON: {error}") from None
    if not isinstance(context, dict):
        raise fail("EV707", f"the template's {_CONTEXT} is not a mapping")
    name, version = str(context.get("_name") or name), str(context.get("_version") or version)
    if not is_template_name(name) or not is_version(version):
        raise fail(
            "EV707",
            f"the template in {source or folder} has no version",
            expected=f'"_version": "1.0.0" in its {_CONTEXT}, or a tag that --to names',
        )
    return Template(folder, name, version, source, context)
