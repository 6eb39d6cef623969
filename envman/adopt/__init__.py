"""Compose files that other people wrote to blueprints: the author's own text with as few edits as the language needs."""
