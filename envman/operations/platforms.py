"""Platforms as images name them: ``linux/amd64``."""

from __future__ import annotations

from typing import Final

from envman.engine.connection import Engine

# What the kernel calls them, and what Go does.
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "armv6l": "arm/v6", "i686": "386"}


def platform_of_engine(engine: Engine) -> str:
    """Return the platform that the engine's containers run on; raises EnvmanError where it does not answer."""
    architecture = engine.facts().architecture
    return f"linux/{_ARCHITECTURES.get(architecture, architecture)}"
