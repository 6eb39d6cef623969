"""Typed environments: Compose's attributes with Compose's names, and envman's own few in one table."""
