"""Secrets: where their values come from, where they are kept, and how containers get them."""
