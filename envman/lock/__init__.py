"""Locks: what an environment was exactly, as a file for review, and where it differs from what it is now. Pure."""
