"""What looks like a secret: the one rule that every part of envman asks.

A name is judged by its words: ``DB_PASSWORD`` and ``apiToken`` name secrets; ``PASSWORD_FILE``, ``MAX_TOKENS`` and
``PARTITION_KEY`` say something about one, or are something else. A value is judged by its form: an address with a
password, a token as its maker documents it. The rule is a guess; where both answers are possible, it says secret.

Sources: the makers' own pages on the forms of their tokens (AWS, GitHub, GitLab, Slack, Stripe, Google, Hugging Face,
npm, PyPI, SendGrid, DigitalOcean), RFC 7519 for JSON Web Tokens, RFC 7468 for keys in PEM, crypt(5) for hashes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, Final

WITHHELD: Final = "(withheld)"

# These name a secret wherever they stand in a name, unless a word after them says that it is about one.
_ANYWHERE: Final = frozenset(
    {"PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "TOKENS", "CREDENTIAL",
     "CREDENTIALS", "CREDS", "APIKEY", "APIKEYS", "PW", "PWD"}
)  # fmt: skip
# The same at the end of a word that is written without separators: PGPASSWORD, AUTHTOKEN.
_ENDINGS: Final = (
    "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIALS", "APIKEY", "ACCESSKEY",
    "SECRETKEY", "PRIVATEKEY", "ACCOUNTKEY", "AUTHKEY"
)  # fmt: skip
# These have other meanings too, so they name a secret only as the last word, or before one of _TAILS.
_LAST: Final = frozenset({"AUTH", "AUTHORIZATION", "CRED", "KEY", "KEYS", "PASS", "PAT", "SALT"})
_TAILS: Final = frozenset({"BASE", "DEFAULT", "DEV", "HASH", "ID", "NEW", "OLD", "PROD", "STAGING", "TEST", "VALUE"})
# A word after the secret's: the value says something about a secret.
_ABOUT: Final = frozenset(
    {"AGE", "ALG", "ALGORITHM", "ATTEMPTS", "BACKEND", "BYTES", "CACHE", "CLASS", "COUNT", "DAYS", "DIR", "DIRECTORY",
     "DISABLED", "ENABLED", "ENDPOINT", "ENDPOINTS", "EXPIRATION", "EXPIRE", "EXPIRES", "EXPIRY", "FIELD", "FILE",
     "FILENAME", "FILES", "FOLDER", "FORMAT", "HEADER", "HOST", "HOURS", "INTERVAL", "ISSUER", "LENGTH", "LIFETIME",
     "LIMIT", "LOCATION", "MAX", "METHOD", "MIN", "MINUTES", "MODE", "NAME", "NAMES", "PATH", "PER", "PLUGIN", "POLICY",
     "PORT", "PREFIX", "PROVIDER", "RATE", "REGION", "REQUIRED", "ROLE", "ROLES", "ROUNDS", "SECONDS", "SERVER",
     "SERVICE", "SERVICES", "SIZE", "STRATEGY", "SUFFIX", "TIMEOUT", "TTL", "TYPE", "TYPES", "URI", "URL", "USER",
     "USERNAME", "VALIDITY", "VERSION"}
)  # fmt: skip
# A word anywhere: the value is a number of tokens, or meant for everybody.
_NEVER: Final = frozenset({"MAX", "MIN", "NUM", "MAXIMUM", "MINIMUM", "PUBLIC", "PUBLISHABLE"})
# The word before KEY: a key of a table, a queue or a message.
_OTHER_KEYS: Final = frozenset(
    {"CACHE", "COLUMN", "DEDUP", "DISTRIBUTION", "FOREIGN", "GROUP", "HOT", "INDEX", "JOIN", "LABEL", "LOOKUP",
     "MESSAGE", "OBJECT", "PARTITION", "PARTITIONING", "PRIMARY", "RANGE", "ROUTING", "ROW", "SHARD", "SORT", "UNIQUE"}
)  # fmt: skip
_SWITCHES: Final = frozenset(
    {"", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null", "random", "auto", "required", "optional"}
)
# What AUTH is often set to: the way of logging in.
_WAYS: Final = frozenset({"basic", "bearer", "digest", "jwt", "ldap", "local", "oauth", "oauth2", "oidc", "saml"})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS: Final = re.compile(r"[^A-Za-z0-9]+")
_COUNT: Final = re.compile(r"\d{1,7}")
_FILE: Final = re.compile(r"\.{0,2}/")

# `scheme://user:password@host`, and the key in `https://KEY@host`, as error trackers have it.
_SCHEME: Final = r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://"
_ADDRESS: Final = re.compile(
    rf"(?P<before>{_SCHEME}[^/\s:@]*:|\bhttps?://(?=[^/\s:@]{{12,}}@))(?P<password>[^/\s@]+)(?=@)"
)
# In the text of a script or a template a variable stands for the password: `$PASSWORD`, `${x}`, `{{ x }}`.
_ADDRESSED: Final = "an address with a password"
_TEMPLATE: Final = r"(?!\$[A-Z_({]|\{\{)"
# What a text holds, a word without which it cannot be that, and its form.
_FORMS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("a private key", ("PRIVATE KEY",), r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("an AWS access key", ("AKIA", "ASIA", "ABIA", "ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    ("a GitHub token", ("gh", "github_pat_"), r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})"),
    ("a GitLab token", ("gl",), r"\bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", ("xox",), r"\bxox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}"),
    ("a Slack webhook", ("hooks.slack",), r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"),
    (
        "a Stripe key",
        ("k_", "whsec_"),
        r"\b(?:[srp]k_(?:live|test)_[A-Za-z0-9]{8,}|(?:sk|rk|whsec)_[A-Za-z0-9]{16,})\b",
    ),
    ("a Google API key", ("AIza",), r"\bAIza[A-Za-z0-9_-]{35}"),
    ("a Google client secret", ("GOCSPX-",), r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
    ("an API key", ("sk-",), r"\bsk-(?=[A-Za-z_-]{0,64}\d)[A-Za-z0-9_-]{20,}"),
    ("a Hugging Face token", ("hf_",), r"\bhf_[A-Za-z0-9]{30,}\b"),
    ("an npm token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", ("pypi-",), r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("a SendGrid key", ("SG.",), r"\bSG\.[A-Za-z0-9_-]{16,128}\.[A-Za-z0-9_-]{16,}"),
    ("a DigitalOcean token", ("_v1_",), r"\bdo[oprt]_v1_[a-f0-9]{64}\b"),
    ("an Azure storage key", ("Key=",), r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}"),
    ("a bot token", (":",), r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b"),
    ("a JSON Web Token", ("eyJ",), r"\beyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]*"),
    ("a password's hash", ("$",), r"\$(?:apr1|2[aby]|[156y]|argon2(?:id?|d)|scrypt)\$[A-Za-z0-9./,=+$]{20,}"),
    (
        _ADDRESSED,
        ("://",),
        rf"(?:{_SCHEME}[^/\s:@\"']*:{_TEMPLATE}[^/\s@\"']+|\bhttps?://{_TEMPLATE}[^/\s:@\"']{{12,}})@",
    ),
    ("a header with credentials", ("Basic ", "Bearer "), r"\b(?:Basic|Bearer) {1,8}[A-Za-z0-9+/._~-]{16,}={0,2}"),
)
_BY_WORD: Final = [(word, name, form) for name, words, form in _FORMS for word in words]
# No form is shorter.
_SHORTEST: Final = 8
_ASSIGNED: Final = re.compile(
    r"(?:^|(?<=[\s;&|,'\"]))-{0,2}([A-Za-z_][A-Za-z0-9_.-]*)(?:=|:\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&|'\"]+)"
)
_OPTION: Final = re.compile(r"(?:^|(?<=\s))-{1,2}([A-Za-z][A-Za-z0-9_.-]*)\s+([^\s-][^\s]*)")
# Where an attribute's key names a value of the user's own.
_TABLES: Final = frozenset({"environment", "args", "labels", "annotations", "driver_opts", "options", "variables"})


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name usually holds a secret: ``DB_PASSWORD``, not ``DB_PASSWORD_FILE``."""
    return _secret_word(name) is not None


@lru_cache(maxsize=4096)
def _secret_word(name: str) -> str | None:
    """Return the word of ``name`` that names a secret, or None."""
    words = [one.rstrip("0123456789") for one in _SEPARATORS.split(_CAMEL.sub("_", name).upper())]
    words = [one for one in words if one]
    if _NEVER & set(words):
        return None
    for index in range(len(words) - 1, -1, -1):
        word, before = words[index], words[index - 1] if index else ""
        if word in _ABOUT:
            return None
        if word in _ANYWHERE or word.endswith(_ENDINGS):
            return word
        if word in _LAST and all(one in _TAILS for one in words[index + 1 :]):
            return None if word in ("KEY", "KEYS") and before in _OTHER_KEYS else word
    return None


def looks_secret(name: str, value: str) -> bool:
    """Whether variable ``name`` with ``value`` looks as if its value should not stand in a file that is shared.

    A path is none (``/run/secrets/password``), nor is a switch (``ALLOW_EMPTY_PASSWORD=yes``) or a number of tokens; an
    address with a password in it is one, whatever its variable is called.
    """
    if token_form(value) is not None:
        return True
    word = _secret_word(name)
    if word is None or value.lower() in _SWITCHES or _FILE.match(value) or "://" in value:
        return False
    if word in ("AUTH", "AUTHORIZATION") and value.lower() in _WAYS:
        return False
    return not (word in ("TOKEN", "TOKENS", "KEY", "KEYS", "AUTH") and _COUNT.fullmatch(value))


def token_form(text: str) -> str | None:
    """Return what ``text`` holds by its form ("a GitHub token"), or None."""
    if len(text) < _SHORTEST:
        return None
    return next((name for name, form in _possible(text) if form.search(text)), None)


def _possible(text: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the forms that ``text`` may hold. Most values hold the word of none: they cost next to nothing."""
    for word, name, form in _BY_WORD:
        if word in text:
            yield name, _compiled(form)


@cache
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(form)


def secret_in(text: str) -> str | None:
    """Return why a ``text`` (a command, an option) looks as if it held a secret, or None.

    By form, or by the name before it: ``--password=x``, ``--requirepass x``, ``PGPASSWORD=x``. What a shell fills in
    (``$PASSWORD``) is none.
    """
    found = token_form(text)
    if found is not None:
        return found
    for pattern in (_ASSIGNED, _OPTION):
        for match in pattern.finditer(text):
            value = match[2].strip("\"'")
            if value and not value.startswith("$") and is_secret_option(match[1], value):
                return f"what {match[1]} is set to"
    return None


def is_secret_option(name: str, value: str) -> bool:
    """Whether an option of this name is given a secret: ``--requirepass`` is written as one word."""
    name = name.lstrip("-")
    return looks_secret(name, value) or (name.lower().endswith("pass") and looks_secret("PASSWORD", value))


def is_withheld(path: tuple[str | int, ...], variables: Iterable[str], hidden: Container[str]) -> bool:
    """Whether the value at ``path`` must not be shown; one of ``variables`` in it may be among the ``hidden``."""
    named = len(path) > 1 and path[-2] in _TABLES and isinstance(path[-1], str) and is_secret_name(path[-1])
    return named or any(one in hidden for one in variables)


def passwords_in(text: str) -> list[re.Match[str]]:
    """Return the passwords in the addresses of ``text``: matches with the groups ``before`` and ``password``."""
    return list(_ADDRESS.finditer(text))


def masked(value: Any) -> Any:
    """Return ``value`` with the passwords in its addresses, and the tokens in it, replaced by ``***``."""
    return without_secrets(value, lambda _: "***") if isinstance(value, str) else value


def without_secrets(text: str, replacement: Callable[[str], str]) -> str:
    """Return ``text`` with the ``replacement`` of each password in an address, and of each token known by its form."""
    if len(text) < _SHORTEST:
        return text
    if "://" in text:
        text = _ADDRESS.sub(lambda match: match["before"] + replacement(match["password"]), text)
    for name, form in _possible(text):
        if name != _ADDRESSED:
            text = form.sub(lambda match: replacement(match[0]), text)
    return text
