from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_reference_is_what_the_models_say() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "reference.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_reference_has_every_kind_of_attribute() -> None:
    text = (ROOT / "docs" / "reference.md").read_text()
    assert "| `pre_start` | list of [init container](#init-container) | Compose 5.3.0 |" in text
    assert "| `gpu` | `none`, `optional`, `required` | envman |" in text
    assert "| `ports` | list of [port](#port), entries short | Compose |" in text
    assert "| **`type`** | `port` | envman |" in text
