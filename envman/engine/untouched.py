"""Whether a container has put anything into a volume that its image did not.

An engine fills a new volume with what the image has at that place, with the owners, modes and times of files; folders
are as old as the volume. A difference that matters to nobody costs a copy too many, and that is all.
"""

from __future__ import annotations

import io
import tarfile
from typing import Final

from envman.engine.archive import Helpers
from envman.engine.connection import Engine

# What is larger is copied without a further look.
_MOST: Final = 16 << 20
_CHUNK: Final = 1 << 16
_PATIENCE: Final = 60


def is_untouched(helpers: Helpers, container: str, image: str, target: str) -> bool:
    """Return whether what ``container`` has at ``target`` is nothing, or just what its ``image`` (ID) brought.

    What cannot be looked at, or is large, counts as touched.

    Raises:
        EnvmanError: EV4xx where the engine has gone.
    """
    held = _archive(helpers.engine, container, target)
    if held is None:
        return False
    try:
        entries = _entries(held)
    except tarfile.TarError:
        return False
    if len(entries) == 1:
        return True
    with helpers.idle(image) as fresh:
        brought = _archive(helpers.engine, fresh, target) if fresh is not None else None
        return brought is not None and _entries(brought) == entries


def _archive(engine: Engine, container: str, target: str) -> bytes | None:
    """Return the engine's archive of a folder; None where there is none, or where it is large."""
    found = bytearray()
    with engine.errors():
        api = engine.api
        url = f"{api.base_url}/v{api.api_version}/containers/{container}/archive"
        # The folder itself, also where the image has a link in its place. The SDK's own call leaves an answer open that
        # is not read to its end.
        wanted = {"path": f"{target.rstrip('/')}/."}
        with api.get(url, params=wanted, stream=True, timeout=_PATIENCE) as answer:
            if answer.status_code != 200:
                return None
            for piece in answer.iter_content(_CHUNK):
                found += piece
                if len(found) > _MOST:
                    return None
    return bytes(found)


def _entries(archive: bytes) -> set[tuple[object, ...]]:
    """Return all that is in ``archive``, the folder itself too, without its parts that say nothing of a writer."""
    found: set[tuple[object, ...]] = set()
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
        for one in opened:
            content = opened.extractfile(one) if one.isreg() else None
            data = content.read() if content is not None else b""
            time = 0 if one.isdir() else one.mtime
            found.add((one.name, one.type, one.mode, one.uid, one.gid, time, one.linkname, data))
    return found
