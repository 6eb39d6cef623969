"""The secret store: one file a secret below the state folder, the only place where values lie.

Files are 0444 inside a 0700 folder: no other user of the machine gets in, and any user id inside a container can
read a file that is mounted there, on a read-only root file system too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.source.files import explain_os_error
from envman.state.atomic import private_folder, write_new, write_whole
from envman.state.record import damaged, read_private

_KEY_SIZE: Final = 32
_KEY_REMEDY: Final = (
    "restore PATH from a backup, or remove it: a new key is made, every container with a secret is recreated at the "
    "next `envman up`, and locks have to be made again"
)


@dataclass(frozen=True, slots=True)
class SecretStore:
    """The secrets of one environment. ``folder`` is ``STATE/secrets/ENVIRONMENT``."""

    folder: Path

    @classmethod
    def of(cls, state: Path, environment: str) -> SecretStore:
        """Return the store of ``environment`` (its key, so instances have their own)."""
        return cls(state / "secrets" / environment)

    def path(self, name: str) -> Path:
        """Return the file of secret ``name``."""
        return self.folder / name

    def has(self, name: str) -> bool:
        """Return whether ``name`` has a value. No secret is empty: an empty file is what a full disk leaves."""
        path = self.path(name)
        return path.is_file() and bool(path.read_bytes())

    def read(self, name: str) -> str | None:
        """Return the value of ``name``, or None.

        Raises:
            EnvmanError: EV504 where there is one that cannot be read.
        """
        try:
            return self.path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = explain_os_error(error) if isinstance(error, OSError) else "it is not text"
            raise fail("EV504", f'secret "{name}" cannot be read: {reason}') from None

    def write(self, name: str, value: str) -> bool:
        """Keep ``value`` under ``name``; return whether it differs from what was there.

        Raises:
            EnvmanError: EV008.
        """
        if self.read(name) == value:
            return False
        self._folders()
        write_whole(self.path(name), value, mode=0o444)
        return True

    def names(self) -> list[str]:
        """Return the names that have values, sorted."""
        return sorted(path.name for path in self.folder.glob("[!.]*")) if self.folder.is_dir() else []

    def fingerprint(self, name: str) -> str:
        """Return what changes when the value does and says nothing else of it: an HMAC under this checkout's key."""
        value = self.read(name)
        if value is None:
            return ""
        return self.mark(name, value.encode())

    def mark(self, name: str, value: bytes) -> str:
        """Return the fingerprint that ``name`` has with ``value``, for one that lies outside the store."""
        return hmac.new(self._key(), name.encode() + b"\0" + value, hashlib.sha256).hexdigest()[:16]

    def key_name(self) -> str:
        """Return the name of this checkout's key: it tells keys apart and says nothing of them."""
        return hashlib.sha256(b"the name of a key of envman\0" + self._key()).hexdigest()[:12]

    def _key(self) -> bytes:
        file = self.folder.parent / ".key"
        key = read_private(file, _KEY_REMEDY)
        if key is None:
            self._folders()
            write_new(file, secrets.token_hex(_KEY_SIZE), mode=0o400)
            key = read_private(file, _KEY_REMEDY) or b""
        if not re.fullmatch(rb"[0-9a-f]{%d}" % (2 * _KEY_SIZE), key):
            raise damaged(file, f"it does not hold {2 * _KEY_SIZE} hexadecimal digits", _KEY_REMEDY)
        return key

    def _folders(self) -> None:
        try:
            private_folder(self.folder, below=self.folder.parent)
        except OSError as error:
            raise fail("EV008", f"{self.folder} cannot be made: {explain_os_error(error)}") from None
