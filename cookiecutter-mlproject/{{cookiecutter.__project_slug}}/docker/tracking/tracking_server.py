#!/usr/bin/env python
"""Starts MLflow's tracking server, or with `health` asks it whether it works.

It stands alone, with nothing but Python's own library: the image of the tracking server does not
hold the project's package, and so does not change with it.
"""

import http
import http.client
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

_PORT = 5000
_TIMEOUT_SECONDS = 4
_LOOPBACK = "localhost:*,127.0.0.1:*"


def backend_store_uri(environment: Mapping[str, str]) -> str:
    """Take the environment; give where runs and models are recorded, without any password.

    PostgreSQL if `DATABASE_HOST` is set, else SQLite in the folder `TRACKING_FOLDER`.
    """
    host = environment.get("DATABASE_HOST", "")
    if not host:
        return f"sqlite:///{environment.get('TRACKING_FOLDER', '/mlflow')}/mlflow.db"
    user = quote(environment.get("DATABASE_USER", "mlflow"), safe="")
    name = quote(environment.get("DATABASE_NAME", "mlflow"), safe="")
    return f"postgresql+psycopg://{user}@{host}:{environment.get('DATABASE_PORT', '5432')}/{name}"


def write_password_file(password: str, path: Path) -> None:
    """Take the database's password; write it to `path` as libpq's password file.

    Unlike an argument, a URI or a variable, a file is seen neither in the list of processes nor in
    `docker inspect`, nor does it get into a log.
    """
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"*:*:*:*:{escaped}\n")


def command(environment: Mapping[str, str]) -> list[str]:
    """Take the environment; give the command that serves.

    MLflow answers only to host names that it knows: beside loopback those of
    `TRACKING_ALLOWED_HOSTS`, separated by commas.
    """
    folder = environment.get("TRACKING_FOLDER", "/mlflow")
    allowed = environment.get("TRACKING_ALLOWED_HOSTS", "")
    return [
        "mlflow",
        "server",
        "--host=0.0.0.0",
        f"--port={_PORT}",
        "--workers=1",
        f"--backend-store-uri={backend_store_uri(environment)}",
        "--serve-artifacts",
        f"--artifacts-destination={folder}/artifacts",
        f"--allowed-hosts={','.join(filter(None, (allowed, _LOOPBACK)))}",
    ]


def is_healthy(port: int) -> bool:
    """Take the port of a server on this machine; give whether it can search its experiments.

    MLflow's own `/health` says yes before the database does, and to hosts that are refused.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(
            "POST",
            "/api/2.0/mlflow/experiments/search",
            body=json.dumps({"max_results": 1}),
            headers={"Content-Type": "application/json"},
        )
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    """Become the server; with `health`, leave with 0 if it works and else with 1."""
    if sys.argv[1:] == ["health"]:
        sys.exit(0 if is_healthy(_PORT) else 1)
    if sys.argv[1:]:
        sys.exit(f"usage: {Path(sys.argv[0]).name} [health]")
    environment = dict(os.environ)
    if password_file := environment.get("DATABASE_PASSWORD_FILE"):
        # In memory: the container's own file system would keep it on the disk.
        passfile = Path("/dev/shm/pgpass")  # noqa: S108 - the folder is the container's own
        password = Path(password_file).read_text(encoding="utf-8").rstrip("\r\n")
        write_password_file(password, passfile)
        environment["PGPASSFILE"] = str(passfile)
    arguments = command(environment)
    # The same process, so that signals reach the server.
    os.execvpe(arguments[0], arguments, environment)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
