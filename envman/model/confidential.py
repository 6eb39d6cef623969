"""Which values are better not shown: what people put into plain values although a secret would be the place for it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import Any, Final

_WORDS: Final = re.compile(
    r"(?i)(?:^|[_.\-])(?:pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|credentials?|auth|(?:api|access|private|signing"
    r"|encryption|account|secret)[_.\-]?keys?)(?:$|[_.\-\d])|(?:password|passwd|apikey|secretkey|accesskey|token)$"
)
# A path or a name says where a value is, not what it is.
_PLACES: Final = re.compile(r"(?i)(?:file|path|dir|name|url_?prefix|algorithm|expire|ttl|length|timeout)s?$")
_CREDENTIALS: Final = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+(?=@)")
# Where an attribute's key names a value of the user's own.
_TABLES: Final = frozenset({"environment", "args", "labels", "annotations", "driver_opts", "options", "variables"})

WITHHELD: Final = "(withheld)"


def is_confidential_name(name: str) -> bool:
    """Whether a variable of this name usually holds a secret: ``DB_PASSWORD``, not ``DB_PASSWORD_FILE``."""
    return _WORDS.search(name) is not None and _PLACES.search(name) is None


def is_withheld(path: tuple[str | int, ...], variables: Iterable[str], hidden: Container[str]) -> bool:
    """Whether the value at ``path`` must not be shown; one of ``variables`` in it may be among the ``hidden``."""
    named = len(path) > 1 and path[-2] in _TABLES and isinstance(path[-1], str) and is_confidential_name(path[-1])
    return named or any(one in hidden for one in variables)


def masked(value: Any) -> Any:
    """Return ``value`` with the passwords in its URLs replaced by ``***``."""
    if isinstance(value, str) and "://" in value:
        return _CREDENTIALS.sub(r"\g<before>***", value)
    return value
