"""envman beside docker compose: whole processes, timed in pairs in one run."""
