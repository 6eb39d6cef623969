"""``python -m envman``."""

from envman.cli.main import main

main()
