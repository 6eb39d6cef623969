"""The container's health check: asks the service whether it is alive.

It needs nothing but Python, so that the image needs no curl, and imports little, because it runs
every few seconds.
"""

import http.client
import os
import sys

_TIMEOUT_SECONDS = 3


def is_alive(port: int) -> bool:
    """Take the port of a service on this machine; give whether it says that it is alive."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    """Leave with 0 if the service is alive, else with 1."""
    sys.exit(0 if is_alive(int(os.environ.get("PORT", "8000"))) else 1)
