"""Which variables hold secrets, by their names and values. A guess, and on the careful side."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = frozenset(
    {"APIKEY", "AUTH", "CRED", "CREDENTIALS", "KEY", "PASS", "PASSPHRASE", "PASSWD", "PW", "PWD", "SALT"}
)
_ANYWHERE: Final = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|APIKEY|ACCESSKEY|PRIVATEKEY|CREDENTIAL")
# What names a secret or says something of it, and is none.
_HARMLESS: Final = re.compile(
    r"(?:_|^)(?:FILE|FILES|PATH|DIR|URL|URI|HOST|PORT|NAME|LENGTH|TTL|EXPIRY|EXPIRES|TYPE|ALGORITHM|METHOD|MODE|ENABLED"
    r"|POLICY|REQUIRED|LOCATION|ISSUER|PREFIX|ROUNDS|SERVICE|SERVICES|MAX|MIN|AGE)$|^PUBLIC_|_PUBLIC_|PUBLIC_?KEY|^KEYBOARD"
)
_WORDS_FOR_NO_VALUE: Final = frozenset(
    {"", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null", "random", "auto", "required", "optional"}
)
_IN_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE)


def looks_secret(name: str, value: str) -> bool:
    """Whether variable ``name`` with ``value`` looks as if its value should not stand in a file that is shared.

    A path is none (``/run/secrets/password``), nor is a switch (``ALLOW_EMPTY_PASSWORD=yes``); an address with a
    password in it is one, whatever its variable is called.
    """
    if _IN_ADDRESS.search(value):
        return True
    if value.lower() in _WORDS_FOR_NO_VALUE or re.match(r"\.{0,2}/", value) or "://" in value:
        return False
    upper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    if _HARMLESS.search(upper):
        return False
    return bool(_ANYWHERE.search(upper) or _WORDS & set(re.split(r"[^A-Z0-9]+", upper)))


def dotenv_line(name: str, value: str) -> str:
    """Return ``NAME=value`` as a line of a ``.env`` file that reads back as ``value``."""
    if not re.search(r"[\\'\n\r]", value):
        return f"{name}='{value}'"
    escaped = re.sub(r'[\\"$]', r"\\\g<0>", value).replace("\n", "\\n").replace("\r", "\\r")
    return f'{name}="{escaped}"'
