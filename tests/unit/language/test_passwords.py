"""Variables that stand for a password are not shown, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import load


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgres://u:${plain}@db/x", {"plain"}),
        ("postgres://${user}:${plain}@db/${name}", {"plain"}),
        ("postgres://${user:-u}:$plain@db", {"plain"}),
        ("postgres://u:${plain:-x:y}@db", {"plain"}),
        ("https://${plain}@errors.example.com/1", {"plain"}),
        ("https://${user}:${plain}@example.com", {"plain"}),
        ("amqp://${user}@queue", set()),
        ("http://${user}:${name}/path", set()),
        ("${user}:${plain}", set()),
    ],
)
def test_what_stands_for_the_password_of_an_address_is_confidential(
    tmp_path: Path, text: str, hidden: set[str]
) -> None:
    variables = "variables: {user: {type: string, default: u}, plain: {type: string, default: p}, name: {type: string, default: n}}\n"
    environment = load(tmp_path, dev=f"{variables}services: {{a: {{image: b, environment: {{DSN: '{text}'}}}}}}\n")
    assert {name for name, one in environment.scope.items() if one.confidential} == hidden


def test_a_variable_that_comes_from_a_secret_of_the_process_is_confidential(tmp_path: Path) -> None:
    text = "variables: {plain: {type: string, env: PLAIN_PASSWORD, default: p}, other: {type: string, env: OTHER, default: p}}\n"
    environment = load(tmp_path, dev=text + "services: {a: {image: b, command: ['${plain}', '${other}']}}\n")
    assert environment.scope["plain"].confidential
    assert not environment.scope["other"].confidential
