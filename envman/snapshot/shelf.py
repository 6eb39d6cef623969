"""Where snapshots lie: a folder for each, made under another name and renamed once it is whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import EnvmanError, fail, near_match
from envman.snapshot.manifest import BrokenManifestError, Manifest, manifest_text, read_manifest
from envman.source.files import read_text

MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_UNFINISHED: Final = ".unfinished-"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The snapshots of one environment, in ``folder``."""

    folder: Path
    environment: str

    def path(self, name: str) -> Path:
        """Return where snapshot ``name`` lies, or would."""
        return self.folder / name

    def names(self) -> list[str]:
        """Return the names of all snapshots, damaged ones too."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())

    def check_free(self, name: str) -> None:
        """Raise EV004 where ``name`` is no name for a snapshot, EV641 where there is one already."""
        if not _NAME.fullmatch(name):
            raise fail(
                "EV004", f'"{name}" is not a name for a snapshot', expected="up to 64 letters, digits, _, . and -"
            )
        if self.path(name).exists():
            raise fail(
                "EV641",
                f"{self.environment} has a snapshot {name} already",
                help="choose another name, or delete it first",
            )

    def read(self, name: str) -> Manifest:
        """Return the manifest of snapshot ``name``.

        Raises:
            EnvmanError: EV640 where there is none, EV643 where its manifest is damaged.
        """
        known = self.names()
        if name not in known:
            raise fail(
                "EV640",
                f'{self.environment} has no snapshot "{name}"',
                expected=near_match(name, known) or f"one of {', '.join(known) or 'none'}",
                help=f"`envman snapshot list {self.environment}` shows them",
            )
        try:
            return read_manifest(read_text(self.path(name) / MANIFEST, MANIFEST))
        except EnvmanError as error:
            reason = error.diagnostics[0].message
        except BrokenManifestError as error:
            reason = str(error)
        raise fail(
            "EV643",
            f"the manifest of snapshot {name} of {self.environment} is damaged: {reason}",
            help="nothing was changed; use another snapshot",
        )

    def begin(self, name: str) -> Path:
        """Return a new folder for snapshot ``name``, which is not listed until ``commit``; raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{_UNFINISHED}{name}"
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(mode=0o700)
        return path

    def commit(self, unfinished: Path, manifest: Manifest) -> Path:
        """Write ``manifest``, give the folder its name, and return it; raises OSError. From then on it is listed."""
        with os.fdopen(os.open(unfinished / MANIFEST, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(manifest_text(manifest))
            file.flush()
            os.fsync(file.fileno())
        _sync(unfinished)
        path = self.path(manifest.name)
        unfinished.rename(path)
        _sync(self.folder)
        return path

    def delete(self, name: str) -> None:
        """Remove snapshot ``name``: first from the list, then from the disk; raises OSError."""
        going = self.folder / f"{_UNFINISHED}{name}"
        if going.exists():
            shutil.rmtree(going)
        self.path(name).rename(going)
        shutil.rmtree(going)

    def sweep(self) -> list[str]:
        """Remove what killed commands left unfinished, and return its names."""
        left = [path for path in self._unfinished() if path.is_dir()]
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return [path.name.removeprefix(_UNFINISHED) for path in left]

    def _unfinished(self) -> Iterator[Path]:
        return self.folder.glob(f"{_UNFINISHED}*")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
