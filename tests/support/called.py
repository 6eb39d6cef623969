"""What comes of calling envman in this process: its exit status, standard output and standard error."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document, which must be all that was written."""
        assert self.err == ""
        return json.loads(self.out)


Envman = Callable[..., Ended]


def without_engine(envman: Envman, *words: str) -> Ended:
    """Return what comes of a command that needs an engine where there is none."""
    with warnings.catch_warnings():
        # The Docker SDK leaves the socket open that it could not connect.
        warnings.simplefilter("ignore", ResourceWarning)
        done = envman(*words, status=3)
        gc.collect()
    return done
