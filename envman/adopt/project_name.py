"""The name of a project that Compose knows under another one."""

from __future__ import annotations

import re


def valid_name(wanted: str) -> str:
    """Return the name of the project that Compose calls ``wanted``."""
    cleaned = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")
    cleaned = cleaned if cleaned[:1].isalpha() else f"project-{cleaned}".strip("-")
    return cleaned[:40].strip("-")
