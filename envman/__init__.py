"""Typed environment blueprints that render Compose files, and the commands that drive them."""

from typing import Final

LABEL_PREFIX: Final = "dev.envman."
