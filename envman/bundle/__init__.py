"""Bundles: an environment as one file, for a machine that has no network. Pure but for reading files."""
