"""The service as a process, with the health check that its container uses."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from {{ cookiecutter.package_name }}.health import is_alive

_PATIENCE_SECONDS = {{ 60 if cookiecutter.framework == "pytorch" else 30 }}


def test_nothing_is_not_alive(port: int) -> None:
    assert not is_alive(port)


def test_it_serves_says_so_in_json_and_ends_when_told(tmp_path: Path, port: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "{{ cookiecutter.package_name }}.serve"],
        env={**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "MODEL_FOLDER": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        # Ends the wait for a line that never comes.
        impatience = threading.Timer(_PATIENCE_SECONDS, process.kill)
        impatience.start()
        assert process.stdout is not None
        messages = (json.loads(line)["message"] for line in process.stdout)
        assert any(message.startswith("Uvicorn running on") for message in messages)
        assert is_alive(port)
        process.send_signal(signal.SIGTERM)
        assert any(message.startswith("Finished server process") for message in messages)
        impatience.cancel()
