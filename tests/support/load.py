"""Asking a service again and again while something happens to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# So many at once that slow answers do not make the questions fewer.
_ASKERS = 16


@contextmanager
def asked_all_the_while(ask: Callable[[], tuple[int, str]], *, a_second: int = 50) -> Iterator[list[tuple[int, str]]]:
    """Call ``ask`` ``a_second`` times a second; (status, text) of each answer go into the list, 0 for none."""
    answers: list[tuple[int, str]] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.wait(_ASKERS / a_second):
            try:
                answers.append(ask())
            except OSError as error:
                answers.append((0, repr(error)))

    threads = [threading.Thread(target=keep_asking) for _ in range(_ASKERS)]
    for one in threads:
        one.start()
    try:
        yield answers
    finally:
        done.set()
        for one in threads:
            one.join()
