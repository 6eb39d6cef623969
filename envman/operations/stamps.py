"""What is written on the images that are built: where they come from, by OCI's names, and the time they count as made.

All of it is of the last commit that touched what the image is made of, and an image of unchanged content keeps what it
got when it was first built: another commit elsewhere is no reason for another image, and so for new containers.
Source: https://github.com/opencontainers/image-spec/blob/main/annotations.md,
https://reproducible-builds.org/docs/source-date-epoch/.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from envman import LABEL_PREFIX
from envman.operations.workspace import Workspace
from envman.render.bake import EPOCH, Stamp
from envman.render.document import Document
from envman.source.git import GitError, ask_git
from envman.source.places import is_elsewhere
from envman.state.builds import read_builds

if TYPE_CHECKING:
    from envman.source.context import BuildInputs

# On images only, and not among the labels of `dev.envman.` that prove whose a container is.
BUILT_FOR: Final = f"{LABEL_PREFIX}built-for"
_OCI: Final = "org.opencontainers.image."


def stamps_of(workspace: Workspace, document: Document, inputs: Mapping[str, BuildInputs]) -> dict[str, Stamp]:
    """Return the stamp of each service's image; ``inputs`` say what each is made of.

    A ``SOURCE_DATE_EPOCH`` of the process goes before git's time.
    """
    root = Path(os.fspath(workspace.project.root))
    given = _whole(workspace.environ.get(EPOCH))
    earlier = [one for one in read_builds(Path(os.fspath(workspace.checkout.state))) if one.stamp]
    stamps = {}
    for name, made in inputs.items():
        same = (one for one in earlier if (one.definition, one.files) == (made.definition, made.files))
        kept = next(same, None) if made.files is not None else None
        if kept is not None:
            stamp = Stamp(dict(kept.stamp["labels"]), kept.stamp["epoch"])
        else:
            stamp = _stamp(workspace, root, document.services[name]["build"])
        if given is not None:
            stamp = Stamp({**stamp.labels, f"{_OCI}created": _time(given)}, given)
        stamps[name] = stamp
    return stamps


def _stamp(workspace: Workspace, root: Path, build: Mapping[str, Any]) -> Stamp:
    labels = {BUILT_FOR: workspace.project.name}
    version = _version(root)
    if version:
        labels[f"{_OCI}version"] = version
    folders = [str(one) for one in _folders(root, build)]
    epoch = None
    try:
        commit, _, time = _git(workspace, root, "log", "-1", "--format=%H %ct", "--", *folders).partition(" ")
        if commit:
            epoch = int(time)
            changed = _git(workspace, root, "status", "--porcelain", "--", *folders)
            labels[f"{_OCI}revision"] = commit + ("-dirty" if changed else "")
            labels[f"{_OCI}created"] = _time(epoch)
            if not version:
                labels[f"{_OCI}version"] = _git(
                    workspace, root, "describe", "--tags", "--always", "--abbrev=12", commit
                )
        source = without_login(_git(workspace, root, "config", "--get", "remote.origin.url"))
        if source:
            labels[f"{_OCI}source"] = source
    except (GitError, ValueError):
        # No repository, no commit, no origin: what is known until here is true without them.
        pass
    return Stamp(labels, epoch)


def _git(workspace: Workspace, root: Path, *arguments: str) -> str:
    return ask_git(root, workspace.environ, *arguments)


def _folders(root: Path, build: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the local folders that a build is made of."""
    contexts = [build.get("context") or ".", *(build.get("additional_contexts") or {}).values()]
    for context in map(str, contexts):
        if not is_elsewhere(context):
            yield root / Path(context).expanduser()


def _version(root: Path) -> str:
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    version = project.get("version") if isinstance(project, dict) else None
    return version if isinstance(version, str) else ""


def without_login(url: str) -> str:
    """Return a remote's address without a user or token in it: a label is read by everybody who has the image."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/@]*@", r"\1", url)


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,12}", text) else None


def _time(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
