"""What looks like a secret. The tokens are made up, and put together so that no scanner takes them for real."""

from __future__ import annotations

import time

import pytest

from envman.model.confidential import is_secret_name, looks_secret, masked, secret_in, token_form

# By name: those of secrets, and those that only speak of one or that have a word in common with one.
SECRET_NAMES = [
    "POSTGRES_PASSWORD",
    "WEBPASSWORD",
    "PGPASSWORD",
    "DBPassword",
    "DB_PASSWD",
    "PIHOLE_PW",
    "PW",
    "SMTP_PASS",
    "PASSPHRASE",
    "db-password",
    "POSTGRES_PASSWORD_2",
    "DB_PASSWORD_PROD",
    "apiToken",
    "AUTH_TOKEN",
    "AUTHTOKEN",
    "TOKENS",
    "GITHUB_PAT",
    "SECRET_KEY_BASE",
    "JWT_SECRET",
    "VAULT_SECRET_ID",
    "CLIENT_SECRETS",
    "SALT",
    "HASH_SALT",
    "NEO4J_AUTH",
    "BASIC_AUTH",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "secretAccessKey",
    "OPENAI_API_KEY",
    "OPENAI_APIKEY",
    "STRIPE_KEY",
    "TLS_KEY",
    "AIRFLOW__CORE__FERNET_KEY",
    "N8N_ENCRYPTION_KEY",
    "API_KEYS",
    "GOOGLE_CREDENTIALS",
    "REDIS_CREDS",
    "PASSWORD_HASH",
]
OTHER_NAMES = [
    "LLM_MAX_TOKENS",
    "MAX_TOKEN",
    "num_tokens",
    "TOKENS_PER_MINUTE",
    "TOKEN_LIMIT",
    "ACCESS_TOKEN_EXPIRE_MINUTES",
    "TOKEN_TTL",
    "TOKENIZER",
    "GF_AUTH_ANONYMOUS_ORG_ROLE",
    "CHROMA_AUTH_PROVIDER",
    "OSS_AUTH_VERSION",
    "AUTH_URL",
    "AUTH_ENABLED",
    "POSTGRES_HOST_AUTH_METHOD",
    "TLS_KEY_FILENAME",
    "KEY_FILE",
    "PARTITION_KEY",
    "SORT_KEY",
    "PRIMARY_KEY",
    "ROUTING_KEY",
    "CACHE_KEY",
    "PUBLIC_KEY",
    "VAPID_PUBLIC_KEY",
    "NEXT_PUBLIC_API_KEY",
    "STRIPE_PUBLISHABLE_KEY",
    "MONKEY",
    "KEYBOARD",
    "KEYCLOAK_URL",
    "KEY_PREFIX",
    "TURKEY",
    "POSTGRES_PASSWORD_FILE",
    "PASSWORD_MIN_LENGTH",
    "PASSWORD_RESET_TIMEOUT",
    "SECRET_NAME",
    "SECRETS_DIR",
    "SALT_ROUNDS",
    "SALTSTACK_HOST",
    "COMPASS",
    "BYPASS_LIMITS",
    "PASS_THROUGH",
    "AUTHOR",
    "POSTGRES_USER",
    "PATH",
    "PATTERN",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_the_name_of_a_secret(name: str) -> None:
    assert is_secret_name(name)
    assert looks_secret(name, "x")


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_name_that_is_none_of_a_secret(name: str) -> None:
    assert not is_secret_name(name)
    assert not looks_secret(name, "x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://app:pw@db/app"),
        ("AUTH_URL", "https://app:pw@idp/login"),
        ("ANYTHING", "redis://:pw@cache:6379/0"),
        ("SENTRY_DSN", "https://0123456789abcdef@errors.test/1"),
        ("ANYTHING", "gh" + "p_" + "x1Y2" * 9),
        ("PASSWORD", "123456"),
        ("NEO4J_AUTH", "neo4j/changeme"),
    ],
)
def test_a_value_that_is_secret(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PASSWORD", ""),
        ("DATABASE_PASSWORD", "/run/secrets/x"),
        ("ALLOW_EMPTY_PASSWORD", "yes"),
        ("DATABASE_URL", "postgres://db/app"),
        ("TOKENS", "4096"),
        ("NEO4J_AUTH", "none"),
        ("AUTH", "oidc"),
        ("TOKEN", "https://idp/token"),
    ],
)
def test_a_value_that_is_none(name: str, value: str) -> None:
    assert not looks_secret(name, value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://app:pw@db/app postgres://a:b@c", "postgres://app:***@db/app postgres://a:***@c"),
        ("--token=gh" + "p_" + "x1Y2" * 9 + " -v", "--token=*** -v"),
        ("github_" + "pat_" + "x1Y2" * 9, "***"),
        ("http://db:5432/a", "http://db:5432/a"),
    ],
)
def test_a_text_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "piece",
    ["a" * 50, "a.", "x://", "eyJaaaaaaaaa.", "sk-a-", "https://a", "-----BEGIN A ", "Bearer ", "a=", "A_", "$1$"],
)
def test_long_texts_cost_no_more_than_their_length(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    start = time.perf_counter()
    secret_in(text)
    masked(text)
    is_secret_name(text[:20_000])
    assert time.perf_counter() - start < 5


X = "x1Y2" * 20
TOKENS = {
    "an AWS access key": "AK" + "IA" + "X" * 16,
    "a GitHub token": "gh" + "p_" + X[:36],
    "a GitLab token": "gl" + "pat-" + X[:20],
    "a Slack token": "xo" + "xb-" + X[:24],
    "a Slack webhook": "https://hooks.slack" + ".com/services/" + X[:40],
    "a Stripe key": "sk" + "_live_" + X[:24],
    "a Google client secret": "GOC" + "SPX-" + X[:28],
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
    "a password's hash": "app:$ap" + "r1$" + X[:8] + "$" + X[:22],
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
