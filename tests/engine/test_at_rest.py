"""What is known from the last run is believed only while everything is as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from stacks import Checkout, await_true, docker

TEXT = """\
services:
  api:
    image: "{image}"
    init: true
    command: [sleep, infinity]
    env_file: [api.env]
    environment: {{LEVEL: "${{LEVEL-info}}"}}
    secrets: [key]
  built: {{build: app, init: true, command: [sleep, infinity]}}
secrets: {{key: {{file: ./key.txt}}}}
"""


def test_every_change_is_seen_by_the_next_up(checkout: Checkout, tmp_path: Path) -> None:
    root, name, tag = checkout.root, f"{checkout.name}-dev", f"{checkout.name}-moving:1"
    docker("tag", "busybox:1.37", tag)
    blueprint = TEXT.format(image=tag)
    checkout.write(dev="variables: {LEVEL: {type: string, default: info, env: LEVEL}}\n" + blueprint)
    (root / "app").mkdir()
    files = {"api.env": "A=1\n", "key.txt": "k", "app/Dockerfile": "FROM busybox:1.37\nCOPY x /\n", "app/x": "1"}
    for file, text in files.items():
        (root / file).write_text(text)
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "docker").write_text("#!/bin/sh\nexit 99\n")
    (broken / "docker").chmod(0o755)
    path = f"{broken}:{os.environ['PATH']}"

    def idle(**environ: str) -> bool:
        """Return whether `up` has nothing to do, in which case it does not need Compose."""
        done = checkout.run("up", "dev", status=None, PATH=path, **environ)
        assert done.status in {0, 1, 3}
        return done.status == 0

    def write(file: str, text: str) -> Callable[[], object]:
        return lambda: (root / file).write_text(text)

    checkout.run("up", "dev")
    assert idle()
    # Once the containers have run for a while.
    await_true(lambda: loaded_by_up(checkout) == [])
    changes: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (lambda: docker("stop", "--time", "0", f"{name}-api-1"), lambda: docker("start", f"{name}-api-1")),
        (
            lambda: docker("network", "disconnect", f"{name}_default", f"{name}-api-1"),
            lambda: docker("network", "connect", "--alias", "api", f"{name}_default", f"{name}-api-1"),
        ),
        (lambda: docker("tag", "nginx:1.28", tag), lambda: docker("tag", "busybox:1.37", tag)),
        (write("api.env", "A=2\n"), write("api.env", files["api.env"])),
        (write("key.txt", "other"), write("key.txt", files["key.txt"])),
        (write("app/x", "2"), write("app/x", files["app/x"])),
        (write(".env", "LEVEL=debug\n"), (root / ".env").unlink),
    ]
    for number, (change, back) in enumerate(changes):
        change()
        assert not idle(), number
        back()
        assert idle(), number
    assert not idle(LEVEL="debug")
    assert idle()
    docker("rm", "--force", f"{name}-built-1")
    assert not idle()


def loaded_by_up(checkout: Checkout) -> list[str]:
    """Return which of the heavy packages an `up` with nothing to do has loaded."""
    program = (
        "import sys\n"
        "from envman.cli.main import run\n"
        "from envman.cli.invocation import Invocation\n"
        f"status = run(Invocation(), ['-C', {str(checkout.root)!r}, 'up', 'dev'])\n"
        "heavy = ['docker', 'python_on_whales', 'pydantic_core', 'yaml', 'typer', 'envman.project']\n"
        "sys.stderr.write(','.join(name for name in heavy if name in sys.modules) if status == 0 else 'failed')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "dev is up, nothing to do\n"
    return [one for one in done.stderr.split(",") if one]
