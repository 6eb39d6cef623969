"""Which digest an image got when this checkout pushed it: what a lock of a built image needs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from envman.registry.reference import parse_reference
from envman.state.atomic import write_whole
from envman.state.checkout import read_json

_FILE: Final = "pushed.json"


@dataclass(frozen=True, slots=True)
class Push:
    """A push: the image's full name, its ID on the engine, the digest that the registry gave it, and when (Unix)."""

    reference: str
    image: str
    digest: str
    at: float


def read_pushes(state: Path) -> dict[str, Push]:
    """Return the last push of each image by its canonical name (``docker.io/team/api:v1``)."""
    data = read_json(state / _FILE)
    found = {}
    for reference, one in (data if isinstance(data, dict) else {}).items():
        try:
            found[reference] = Push(**one)
        except TypeError:
            continue
    return found


def remember_push(state: Path, push: Push) -> None:
    """Keep ``push`` in the place of an earlier one of the same name.

    Raises:
        EnvmanError: EV008.
    """
    pushes: dict[str, Any] = {name: asdict(one) for name, one in read_pushes(state).items()}
    pushes[_canonical(push.reference)] = asdict(push)
    text = json.dumps(pushes, indent=1, sort_keys=True, ensure_ascii=False)
    write_whole(state / _FILE, text + "\n", mode=0o600, folder_mode=0o700)


def pushed_digest(state: Path, reference: str, image_id: str) -> str | None:
    """Return the digest under which image ``image_id`` was pushed as ``reference``.

    None where it was not pushed from here, or where another image was pushed under that name since.
    """
    push = read_pushes(state).get(_canonical(reference))
    return push.digest if push is not None and push.image == image_id else None


def _canonical(reference: str) -> str:
    parsed = parse_reference(reference)
    return parsed.canonical if parsed is not None else reference
