"""Which digest an image got when this checkout pushed it: what a lock of a built image needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.registry.reference import parse_reference
from envman.state.record import Record

_FILE: Final = "pushed.json"


@dataclass(frozen=True, slots=True)
class Push:
    """A push: the image's full name, its ID on the engine, the digest that the registry gave it, and when (Unix)."""

    reference: str
    image: str
    digest: str
    at: float


_RECORD: Final[Record[dict[str, Push]]] = Record(
    dict[str, Push], "remove PATH, then push the images again before `envman lock`: it needs their digests"
)


def read_pushes(state: Path) -> dict[str, Push]:
    """Return the last push of each image by its canonical name (``docker.io/team/api:v1``).

    Raises:
        EnvmanError: EV509.
    """
    return _RECORD.read(state / _FILE) or {}


def remember_push(state: Path, push: Push) -> None:
    """Keep ``push`` in the place of an earlier one of the same name.

    Raises:
        EnvmanError: EV008.
    """
    _RECORD.write(state / _FILE, {**read_pushes(state), _canonical(push.reference): push})


def pushed_digest(state: Path, reference: str, image_id: str) -> str | None:
    """Return the digest under which image ``image_id`` was pushed as ``reference``.

    None where it was not pushed from here, or where another image was pushed under that name since.
    """
    push = read_pushes(state).get(_canonical(reference))
    return push.digest if push is not None and push.image == image_id else None


def _canonical(reference: str) -> str:
    parsed = parse_reference(reference)
    return parsed.canonical if parsed is not None else reference
