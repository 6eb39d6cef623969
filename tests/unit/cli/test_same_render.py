"""Every way to a render gives the same bytes: typer's, the one past it, and what was kept."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from benchmarks.projects import ENVIRONMENTS, write_services, write_shipped
from envman.cli import fast
from envman.cli.invocation import Invocation
from envman.cli.main import run

# Of 1,000 services, without what differs between checkouts. It changes only when what a render says is changed on
# purpose, and never because it is made faster.
DIGEST = "1291307edecf53ed24583acb06685c7a7ad543977307cf672dc5f290b2d042f3"


def render(root: Path, environment: str, capfd: pytest.CaptureFixture[str], *more: str) -> str:
    assert run(Invocation(directory=root), ["render", environment, "--output", "-", *more]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    return out


def all_ways(
    root: Path, environment: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    texts = {render(root, environment, capfd, *more) for more in (["--no-cache"], [], [])}
    with monkeypatch.context() as patched:
        patched.setattr(fast, "plain_render", lambda *_: None)
        texts |= {render(root, environment, capfd, *more) for more in (["--no-cache"], [])}
    return texts


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_shipped_environments(
    environment: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "bench"
    write_shipped(root, "bench")
    assert len(all_ways(root, environment, capfd, monkeypatch)) == 1


def test_a_thousand_services(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "bench"
    write_services(root, "bench", 1000)
    (text,) = all_ways(root, "dev", capfd, monkeypatch)
    checkout = (root / ".envman" / "checkout").read_text().split()[0]
    neutral = text.replace(str(root), "/root").replace(checkout, "checkout")
    assert len(re.findall(r"(?m)^  service\d+:$", neutral)) == 1000
    assert hashlib.sha256(neutral.encode()).hexdigest() == DIGEST
