"""Secrets by what they look like. The tokens are made up, and put together so that no scanner takes them for real."""

from __future__ import annotations

import pytest

from envman.adopt.tokens import masked, secret_in, token_form

X = "x1Y2" * 20
TOKENS = {
    "an AWS access key": "AK" + "IA" + "X" * 16,
    "a GitHub token": "gh" + "p_" + X[:36],
    "a GitLab token": "gl" + "pat-" + X[:20],
    "a Slack token": "xo" + "xb-" + X[:24],
    "a Slack webhook": "https://hooks.slack" + ".com/services/" + X[:40],
    "a Stripe key": "sk" + "_live_" + X[:24],
    "a Google API key": "AI" + "za" + X[:35],
    "an API key": "sk" + "-proj-" + X[:40],
    "a Hugging Face token": "hf" + "_" + X[:34],
    "an npm token": "np" + "m_" + X[:36],
    "a PyPI token": "py" + "pi-" + X[:60],
    "a SendGrid key": "S" + "G." + X[:22] + "." + X[:43],
    "a DigitalOcean token": "do" + "p_v1_" + "a" * 64,
    "an Azure storage key": "Account" + "Key=" + X[:60] + "==",
    "a bot token": "123456789:" + X[:35],
    "a JSON Web Token": "ey" + "J" + X[:20] + ".ey" + "J" + X[:20] + "." + X[:20],
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMII",
    "an address with a password": "postgres://app:pw@db/app",
    "a header with credentials": "Authorization: Bearer " + X[:30],
}


@pytest.mark.parametrize("form", TOKENS)
def test_a_token_is_known_by_its_form(form: str) -> None:
    assert token_form(TOKENS[form]) == form


@pytest.mark.parametrize(
    "text",
    ["postgres:17", "http://api:8080/x", "sha256:" + "a" * 64, "/run/secrets/x", "debug", "task-of-the-day", "a:b@c",
     "https://user@example.test/", "sk-learn-model-server-and-more", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "eu-west-1"],
)  # fmt: skip
def test_what_is_no_token(text: str) -> None:
    assert token_form(text) is None


@pytest.mark.parametrize(
    "text",
    ["--password=hunter2", "--db-password hunter2", "redis-server --requirepass hunter2", "PGPASSWORD=x psql",
     "username=app,password=x,vers=3.0", "exec app --token 'abc'"],
)  # fmt: skip
def test_a_command_tells_by_the_word_before(text: str) -> None:
    assert secret_in(text) is not None


@pytest.mark.parametrize(
    "text",
    ["--password-file=/run/secrets/x", 'exec app --password "$PASSWORD"', "PGPASSWORD=$PW psql", "pg_isready -U app",
     "sleep infinity", "--key-type=rsa", "curl -f http://localhost/"],
)  # fmt: skip
def test_a_command_without_a_secret(text: str) -> None:
    assert secret_in(text) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [("hunter2", "*** (7 characters)"), ("postgres://app:pw@db:5432/app?x=y", "postgres://***@db:5432")],
)
def test_a_mask_shows_nothing_of_a_value(text: str, shown: str) -> None:
    assert masked(text) == shown
