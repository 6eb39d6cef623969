from __future__ import annotations

import io
from types import SimpleNamespace

from envman.engine.streams import frames, receiver


def test_output_that_came_with_the_head_of_the_answer_is_not_lost() -> None:
    """The SDK hands out what lies beneath the reader that took the head, and a part of the output with it."""
    raw = io.BytesIO(b"HTTP/1.1 101 UPGRADED\r\n\r\n\x01\0\0\0\0\0\0\x05early\x02\0\0\0\0\0\0\x01!")
    reader = io.BufferedReader(raw)
    assert reader.readline() == b"HTTP/1.1 101 UPGRADED\r\n"
    assert reader.readline() == b"\r\n"
    assert raw.read() == b"", "all of it has been taken from below"
    response = SimpleNamespace(raw=SimpleNamespace(_fp=SimpleNamespace(fp=reader)))
    handed_out = SimpleNamespace(_response=response, read=raw.read)
    assert list(frames(receiver(handed_out))) == [(1, b"early"), (2, b"!")]
