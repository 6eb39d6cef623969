"""Images out of an engine and into one, as streams."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Sequence
from typing import Any, Final

from envman.diagnostics.diagnostic import fail
from envman.engine.connection import Engine

# Of a large image the engine says nothing while it reads and unpacks it.
_PATIENCE: Final = 3600
_PIECE: Final = 1 << 20
_FULL: Final = "no space left on device"


def save_images(engine: Engine, images: Sequence[str]) -> Generator[bytes, None, None]:
    """Yield ``images`` (IDs or names) as one stream, as ``docker save`` does.

    Raises:
        EnvmanError: EV401 to EV410 for the engine.
    """
    api = engine.api
    with engine.errors():
        url = api._url("/images/get")  # noqa: SLF001 - get_image() takes one image, and so would send shared layers twice
        response = api._get(url, params={"names": list(images)}, stream=True, timeout=_PATIENCE)  # noqa: SLF001
        api._raise_for_status(response)  # noqa: SLF001
        try:
            yield from response.iter_content(_PIECE)
        finally:
            response.close()


def load_images(engine: Engine, pieces: Iterable[bytes]) -> None:
    """Give the engine a stream of images, as ``docker load`` does. What it has taken when that fails, stays.

    Raises:
        EnvmanError: EV524 where its disk is full, EV410 where it refuses otherwise, EV401 to EV408 where it is away.
    """
    api = engine.api
    with engine.errors():
        url = api._url("/images/load")  # noqa: SLF001 - load_image() waits for as long as for any other answer
        response = api._post(  # noqa: SLF001
            url, data=iter(pieces), params={"quiet": True}, stream=True, timeout=_PATIENCE,
            headers={"Content-Type": "application/x-tar"},
        )  # fmt: skip
        if response.status_code >= 400:
            raise _refused(_message(response.content))
        for line in response.iter_lines():
            said = _message(line)
            if said:
                raise _refused(said)


def _message(line: bytes) -> str:
    try:
        data: Any = json.loads(line)
    except ValueError:
        return ""
    return str(data.get("error") or data.get("message") or "") if isinstance(data, dict) else ""


def _refused(message: str) -> Exception:
    if _FULL in message:
        return fail(
            "EV524",
            "the engine's disk is full: the images do not fit on it",
            help="make room there (`docker system df` shows what takes it), then repeat the command",
        )
    return fail("EV410", f"the engine refused: {message.rstrip('.')}", help="see the engine's own message")


def tag_image(engine: Engine, image: str, name: str) -> None:
    """Give ``image`` (an ID) the ``name`` REPOSITORY:TAG, which another image may have had until now."""
    repository, _, tag = name.rpartition(":")
    with engine.errors():
        engine.api.tag(image, repository, tag)


def remove_names(engine: Engine, names: Iterable[str]) -> None:
    """Remove ``names`` (tags, or IDs of images without one); what something uses stays."""
    from docker.errors import APIError

    for name in names:
        with engine.errors():
            try:
                engine.api.remove_image(name)
            except APIError as error:
                if error.status_code not in {404, 409}:
                    raise
