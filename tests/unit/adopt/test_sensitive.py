"""Which values look secret, and how they are written."""

from __future__ import annotations

import pytest

from envman.adopt.sensitive import dotenv_line, looks_secret
from envman.diagnostics import Report, Source
from envman.source.dotenv import parse_dotenv


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PASSWORD", "x"),
        ("WEBPASSWORD", "x"),
        ("DB_PASSWD", "x"),
        ("PIHOLE_PW", "x"),
        ("SMTP_PASS", "x"),
        ("apiToken", "x"),
        ("SECRET_KEY_BASE", "x"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("DATABASE_URL", "postgres://app:pw@db/app"),
        ("ANYTHING", "redis://:pw@cache:6379/0"),
    ],
)
def test_looks_secret(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PASSWORD", ""),
        ("POSTGRES_PASSWORD_FILE", "x"),
        ("DATABASE_PASSWORD", "/run/secrets/x"),
        ("ALLOW_EMPTY_PASSWORD", "yes"),
        ("KEYCLOAK_URL", "http://keycloak"),
        ("PUBLIC_KEY", "x"),
        ("TOKEN_TTL", "3600"),
        ("COMPASS", "north"),
        ("DATABASE_URL", "postgres://db/app"),
        ("POSTGRES_USER", "app"),
    ],
)
def test_does_not_look_secret(name: str, value: str) -> None:
    assert not looks_secret(name, value)


@pytest.mark.parametrize(
    "value",
    ["x", "", "a b", "a # b", "it's", 'say "x"', "back\\slash", "$A ${B} $$", "two\nlines", "ends \\", "'\\$x\""],
)
def test_a_value_reads_back_as_it_was(value: str) -> None:
    found = parse_dotenv(Source(".env.dev", dotenv_line("X", value) + "\nY=1\n"), Report())
    assert {name: text for name, (text, _) in found.items()} == {"X": value, "Y": "1"}
