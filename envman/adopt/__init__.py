"""Compose files to blueprints: the author's own text with as few edits as the language needs."""
