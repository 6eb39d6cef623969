"""The service's process: uvicorn, with the settings of the environment."""

import argparse
import contextlib
import socket
from pathlib import Path

import uvicorn

from .follow import follow_source
from .logs import logging_configuration
from .settings import Settings


def _configuration() -> uvicorn.Config:
    settings = Settings()
    return uvicorn.Config(
        f"{__package__}.api:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        log_config=logging_configuration(settings.log_level, settings.log_format),
        server_header=False,
        # Requests that have begun may end; less than the container's own patience.
        timeout_graceful_shutdown=20,
    )


def serve(listener: socket.socket | None = None) -> None:
    """Serve until told to stop, on a socket or, without one, on the port of the settings."""
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(_configuration()).run(sockets=[listener] if listener else None)


def main() -> None:
    """Serve until told to stop; with `--reload`, anew after every change of the source."""
    parser = argparse.ArgumentParser(prog="serve", description="Serve predictions over HTTP.")
    parser.add_argument("--reload", action="store_true", help="follow changes of the source")
    if parser.parse_args().reload:
        follow_source(Path(__file__).parent, serve, _configuration().bind_socket())
    else:
        serve()


if __name__ == "__main__":
    main()
