from __future__ import annotations

import pytest

from envman.starter.dockerfile import exposed_ports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("EXPOSE 80\n", []),
        ("FROM a\n", []),
        ("FROM a\nEXPOSE 80\n", [(80, "tcp")]),
        ("from a\nexpose 80/TCP 53/udp\n", [(80, "tcp"), (53, "udp")]),
        ("FROM a\nEXPOSE 80 80/tcp\n", [(80, "tcp")]),
        ("FROM a\nEXPOSE 8000-8002\n", [(8000, "tcp"), (8001, "tcp"), (8002, "tcp")]),
        ("FROM a\nEXPOSE 1-65535\n", []),
        ("FROM a\nEXPOSE 0 65536 x 8o\n", []),
        ("FROM a\nEXPOSE \\\n  80 \\\n  # with a comment\n\n  81\n", [(80, "tcp"), (81, "tcp")]),
        ("# escape=`\nFROM a\nEXPOSE 80 `\n  81\n", [(80, "tcp"), (81, "tcp")]),
        ("FROM a\n# EXPOSE 80\nRUN echo EXPOSE 81\n", []),
        ("FROM a\nRUN <<EOF\nEXPOSE 80\nEOF\nEXPOSE 81\n", [(81, "tcp")]),
        ("FROM a\nRUN cat <<-'END' >x\nEXPOSE 80\n\tEND\nEXPOSE 81\n", [(81, "tcp")]),
        ("FROM a AS build\nEXPOSE 80\nFROM b\nEXPOSE 81\n", [(81, "tcp")]),
        ("FROM a AS base\nEXPOSE 80\nFROM base\nEXPOSE 81\n", [(80, "tcp"), (81, "tcp")]),
        ("FROM --platform=linux/amd64 a as Base\nEXPOSE 80\nFROM base\n", [(80, "tcp")]),
        ("FROM a\nENV PORT=8080 X='1'\nEXPOSE $PORT/tcp\n", [(8080, "tcp")]),
        ("FROM a\nENV PORT 8080\nEXPOSE ${PORT}\n", [(8080, "tcp")]),
        ("FROM a\nARG PORT=8080\nEXPOSE ${PORT:-1}\n", [(8080, "tcp")]),
        ("FROM a\nARG PORT\nEXPOSE ${PORT:-81}\n", [(81, "tcp")]),
        ("FROM a\nARG PORT\nEXPOSE $PORT\n", []),
        ("ARG PORT=8080\nFROM a\nEXPOSE $PORT\n", []),
        ("ARG PORT=8080\nFROM a\nARG PORT\nEXPOSE $PORT\n", [(8080, "tcp")]),
        ("ARG BASE=b\nFROM a AS b\nEXPOSE 80\nFROM $BASE\n", [(80, "tcp")]),
        ("FROM a AS a\nEXPOSE 80\nFROM a AS a\n", [(80, "tcp")]),
        ("FROM\nEXPOSE 80\n", [(80, "tcp")]),
        ("FROM a\nEXPOSE 80 \\", []),
    ],
)
def test_ports(text: str, expected: list[tuple[int, str]]) -> None:
    assert exposed_ports(text) == expected


def test_there_is_an_end_to_them() -> None:
    text = "FROM a\n" + "".join(f"EXPOSE {port}\n" for port in range(1, 1000))
    assert len(exposed_ports(text)) == 20
