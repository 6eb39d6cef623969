"""The installed version, read only when somebody asks: importlib.metadata costs 27 ms to import."""

from __future__ import annotations


def installed_version() -> str:
    """Return envman's version as its package metadata states it, for example ``0.1.0``."""
    from importlib import metadata

    return metadata.version("envman")
