"""What an image is called, as the Docker CLI reads it.

Source: github.com/distribution/reference (``normalize.go``): a first part without ``.``, ``:`` or a capital letter that
is not ``localhost`` belongs to the path, Docker Hub is the default, and a name of one part lies below ``library/``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

HUB: Final = "docker.io"
_SHORT: Final = 12
_PATH: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE: Final = re.compile(
    rf"(?:(?P<host>[A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)/)?"
    rf"(?P<path>{_PATH}(?:/{_PATH})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's full name. ``host`` is the registry (``docker.io``), ``path`` the repository in it."""

    host: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """The name without tag and digest: ``docker.io/library/python``."""
        return f"{self.host}/{self.path}"

    @property
    def familiar_repository(self) -> str:
        """The repository as people write it: ``python`` for ``docker.io/library/python``."""
        if self.host != HUB:
            return self.repository
        return self.path.removeprefix("library/") if self.path.count("/") == 1 else self.path

    @property
    def canonical(self) -> str:
        """The whole name: ``docker.io/library/python:3.13-slim``. Neither tag nor digest means ``:latest``."""
        return self.repository + self._rest()

    @property
    def familiar(self) -> str:
        """The whole name as people write it: ``python:3.13-slim``."""
        return self.familiar_repository + self._rest()

    def _rest(self) -> str:
        tag = self.tag if self.tag or self.digest else "latest"
        return (f":{tag}" if tag else "") + (f"@{self.digest}" if self.digest else "")

    def pinned(self, digest: str) -> Reference:
        """Return the same name with ``digest``; the tag stays, for people."""
        return replace(self, digest=digest)


def parse_reference(text: str) -> Reference | None:
    """Return what ``text`` names, or None where it is no name of an image (an ID, a variable, a mistake)."""
    match = _REFERENCE.fullmatch(text)
    if match is None or re.fullmatch(r"(?:sha256:)?[0-9a-f]{64}", text):
        return None
    host, path = match["host"], match["path"]
    if host is not None and not (re.search(r"[.:\[A-Z]", host) or host == "localhost"):
        host, path = None, f"{host}/{path}"
        if not re.fullmatch(rf"{_PATH}(?:/{_PATH})*", path):
            return None
    host = HUB if host in {None, "index.docker.io"} else host
    if host == HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(host, path, match["tag"], match["digest"])


def short_id(digest: str) -> str:
    """Return an image's ID, or a digest, by as much of it as `docker images` shows."""
    return digest.removeprefix("sha256:")[:_SHORT]
