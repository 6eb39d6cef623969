"""Which values of a stack look secret, and what stands in their place."""

from __future__ import annotations

from typing import Any

import pytest
from described import captured, container

from envman.capture.blueprint import blueprint_text
from envman.capture.suspects import Suspect, find_suspects, outline, without


def found_in(**section: Any) -> list[str]:
    return [one.where for one in find_suspects(section)]


def services(**attributes: Any) -> dict[str, Any]:
    return {"api": {"image": "app:1", **attributes}}


def test_variables_by_name_and_by_form() -> None:
    environment = {"DB_PASSWORD": "x", "LEVEL": "debug", "DSN": "redis://:pw@cache", "TOKEN_FILE": "/x", "EMPTY": "",
                   "GIVEN": None}  # fmt: skip

    assert found_in(services=services(environment=environment)) == ["api DB_PASSWORD", "api DSN"]


@pytest.mark.parametrize(
    ("attributes", "places"),
    [
        ({"command": ["redis-server", "--requirepass", "hunter2"]}, ["api command"]),
        ({"command": ["app", "--password=hunter2", "--port", "80"]}, ["api command"]),
        ({"command": ["app", "--password-file", "/x"]}, []),
        ({"entrypoint": ["sh", "-c", "PGPASSWORD=hunter2 exec psql"]}, ["api entrypoint"]),
        ({"healthcheck": {"test": ["CMD-SHELL", "curl -u http://a:b@localhost"]}}, ["api healthcheck.test"]),
        ({"labels": {"auth.token": "abc", "team": "ml"}}, ["api labels.auth.token"]),
        ({"logging": {"options": {"splunk-token": "abc", "max-size": "5m"}}}, ["api logging.options.splunk-token"]),
    ],
)
def test_other_places(attributes: dict[str, Any], places: list[str]) -> None:
    assert found_in(services=services(**attributes)) == places


def test_options_of_a_volumes_driver() -> None:
    volumes = {"data": {"driver_opts": {"type": "cifs", "o": "username=app,password=hunter2"}}}

    assert found_in(volumes=volumes) == ["volume data driver_opts.o"]


def test_a_text_that_holds_the_value_of_a_secret() -> None:
    found = find_suspects({"services": services(environment={"DB_PASSWORD": "hunter22", "DSN": "host=db pw=hunter22"})})

    assert [(one.where, one.why) for one in found] == [
        ("api DB_PASSWORD", "its name"), ("api DSN", "it holds the value of api DB_PASSWORD")
    ]  # fmt: skip


def test_a_word_that_is_a_password_too_is_left_where_it_means_something_else() -> None:
    environment = {"POSTGRES_PASSWORD": "postgres", "POSTGRES_USER": "postgres"}

    assert found_in(services=services(environment=environment)) == ["api POSTGRES_PASSWORD"]


def test_a_suspect_shows_no_value() -> None:
    one = Suspect(("services", "api", "environment", "DB_PASSWORD"), "its name", "hunter2")

    assert "hunter2" not in f"{one!r} {one.where} {one.why} {one.shown}"


def test_one_value_is_one_secret_wherever_it_stands() -> None:
    data = {"services": {
        "api": {"environment": {"PASSWORD": "one"}}, "db": {"environment": {"PASSWORD": "two"}},
        "job": {"environment": {"DB_PASSWORD": "two"}},
    }}  # fmt: skip

    clean = without(data, find_suspects(data))

    assert {name: one["environment"] for name, one in clean["services"].items()} == {
        "api": {"PASSWORD": {"secret": "password"}},
        "db": {"PASSWORD": {"secret": "db_password"}},
        "job": {"DB_PASSWORD": {"secret": "db_password"}},
    }
    assert clean["secrets"] == {
        "password": {"source": "env", "variable": "PASSWORD"},
        "db_password": {"source": "env", "variable": "DB_PASSWORD"},
    }
    assert data["services"]["api"]["environment"] == {"PASSWORD": "one"}


def test_a_text_that_cannot_name_a_secret_becomes_a_variable() -> None:
    found = captured(container(config={"Cmd": ["redis", "--requirepass", "hunter2$"]}))

    text = blueprint_text(found, without(found.data, find_suspects(found.data)))

    assert "hunter2" not in text
    assert '- "${web_command_secret}"' in text
    assert 'env: "WEB_COMMAND_SECRET"' in text


def test_a_dollar_that_means_itself_is_doubled() -> None:
    found = captured(container(config={"Env": ["A=b$c"]}))

    assert 'A: "b$$c"' in blueprint_text(found, without(found.data, []))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("hunter2", "*** (7 characters)"), ("postgres://app:pw@db:5432/app?x=y", "postgres://***@db:5432")],
)
def test_a_mask_shows_nothing_of_a_value(text: str, shown: str) -> None:
    assert outline(text) == shown
