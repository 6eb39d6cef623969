"""Secrets by what they look like: the forms of tokens that their makers document, and keys and passwords in a text.

Sources: the makers' own pages on the forms of their tokens (AWS, GitHub, GitLab, Slack, Stripe, Google, Hugging Face,
npm, PyPI, SendGrid, DigitalOcean), RFC 7519 for JSON Web Tokens, RFC 7468 for keys in PEM.
"""

from __future__ import annotations

import re
from typing import Final

from envman.adopt.sensitive import looks_secret

_FORMS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})")),
    ("a GitLab token", re.compile(r"\bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}")),
    ("a Slack webhook", re.compile(r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}")),
    ("a Stripe key", re.compile(r"\b(?:sk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}\b")),
    ("a Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("a Google client secret", re.compile(r"\bGOCSPX-[A-Za-z0-9_-]{20,}")),
    ("an API key", re.compile(r"\bsk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}")),
    ("a Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a PyPI token", re.compile(r"\bpypi-[A-Za-z0-9_-]{50,}")),
    ("a SendGrid key", re.compile(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")),
    ("a DigitalOcean token", re.compile(r"\bdo[oprt]_v1_[a-f0-9]{64}\b")),
    ("an Azure storage key", re.compile(r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}")),
    ("a bot token", re.compile(r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b")),
    ("a JSON Web Token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    ("an address with a password", re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE)),
    ("a header with credentials", re.compile(r"\b(?:Basic|Bearer) +[A-Za-z0-9+/._~-]{16,}=*")),
)
_ASSIGNED: Final = re.compile(
    r"(?:^|(?<=[\s;&|,'\"]))-{0,2}([A-Za-z_][A-Za-z0-9_.-]*)(?:=|:\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&|'\"]+)"
)
_OPTION: Final = re.compile(r"(?:^|(?<=\s))-{1,2}([A-Za-z][A-Za-z0-9_.-]*)\s+([^\s-][^\s]*)")
_MASK: Final = "***"


def token_form(text: str) -> str | None:
    """Return what ``text`` holds by its form ("a GitHub token"), or None."""
    return next((name for name, form in _FORMS if form.search(text)), None)


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
    return looks_secret(name.replace("-", "_"), value) or (
        name.lower().endswith("pass") and looks_secret("PASSWORD", value)
    )


def masked(text: str) -> str:
    """Return what may be shown of a secret: its length; of an address where it leads (its user may be a token)."""
    match = re.match(r"([a-z][a-z0-9+.-]*://)[^\s/@]*@([^\s/?#]*)", text, re.IGNORECASE)
    return f"{match[1]}{_MASK}@{match[2]}" if match is not None else f"{_MASK} ({len(text)} characters)"
