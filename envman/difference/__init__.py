"""How two Compose files differ in meaning: data against data, whatever they were made from. Pure."""

from envman.difference.difference import ABSENT, Change, difference
from envman.difference.groups import Group, group_of

__all__ = ["ABSENT", "Change", "Group", "difference", "group_of"]
