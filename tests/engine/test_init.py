"""`envman init` in a repository that has a Dockerfile: from there to a stack that answers."""

from __future__ import annotations

import subprocess
import urllib.request

from stacks import Checkout, await_true

DOCKERFILE = """\
FROM busybox:1.37
RUN mkdir /www && echo 'as before' >/www/index.html
ENV PORT=8123
EXPOSE $PORT
USER 1000
CMD ["httpd", "-f", "-p", "8123", "-h", "/www"]
"""


def test_a_repository_with_a_dockerfile_comes_up(checkout: Checkout) -> None:
    (checkout.root / "Dockerfile").write_text(DOCKERFILE)
    subprocess.run(["git", "init", "--quiet", str(checkout.root)], check=True)
    done = checkout.run("init", "--name", checkout.name)
    assert "for Dockerfile, port 8123/tcp" in done.out
    assert "4 environments checked: nothing to complain about" in checkout.run("check").out
    checkout.run("up", "local")
    address = checkout.run("port", "local", "app", "8123").out.strip()

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://{address}", timeout=5) as answer:
                return bool(answer.read() == b"as before\n")
        except OSError:
            return False

    await_true(answers, seconds=20)
    assert (checkout.root / "Dockerfile").read_text() == DOCKERFILE
    ignored = subprocess.run(
        ["git", "status", "--porcelain"], cwd=checkout.root, capture_output=True, text=True, check=True
    )
    assert ".envman" not in ignored.stdout
    checkout.run("down", "local")


def test_the_example_comes_up(checkout: Checkout) -> None:
    checkout.run("init", "--name", checkout.name, "--environments", "local,prod")
    checkout.run("up", "local")
    assert checkout.containers("local") == [f"{checkout.name}-local-web-1"]
    checkout.run("down", "local")
