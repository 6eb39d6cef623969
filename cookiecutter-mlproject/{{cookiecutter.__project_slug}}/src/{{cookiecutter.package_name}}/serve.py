"""The service's process: uvicorn, with the settings of the environment."""

import argparse
from pathlib import Path

import uvicorn

from .logs import logging_configuration
from .settings import Settings


def main() -> None:
    """Serve until told to stop; with `--reload`, anew after every change of the source."""
    parser = argparse.ArgumentParser(prog="serve", description="Serve predictions over HTTP.")
    parser.add_argument("--reload", action="store_true", help="follow changes of the source")
    arguments = parser.parse_args()
    settings = Settings()
    uvicorn.run(
        f"{__package__}.api:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        reload=arguments.reload,
        reload_dirs=[str(Path(__file__).parent)] if arguments.reload else None,
        log_config=logging_configuration(settings.log_level),
        server_header=False,
        # Requests that have begun may end; less than the container's own patience.
        timeout_graceful_shutdown=20,
    )


if __name__ == "__main__":
    main()
