"""The guide's plan is what `plan` writes, to the letter."""

from __future__ import annotations

import re
from pathlib import Path

from stacks import Checkout

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide.md"
BEFORE = """\
services:
  api:
    image: busybox:1.37
    command: [sleep, infinity]
    init: true
    environment: {LOG_LEVEL: info}

  db:
    image: busybox:1.37
    command: [sleep, infinity]
    init: true
    volumes: ["data:/data"]
  worker: {image: busybox:1.37, command: [sleep, infinity], init: true}
volumes:
  data: {}
"""
AFTER = """\
services:
  api:
    image: nginx:1.28
    command: [sleep, infinity]
    init: true
    environment: {LOG_LEVEL: debug}
    volumes: ["models:/models"]
  db:
    image: busybox:1.37
    command: [sleep, infinity]
    init: true
    mem_limit: 256m
    volumes: ["data:/data"]
  runner: {image: busybox:1.37, command: [sleep, infinity], init: true}
volumes:
  models: {}
  data: {}
"""


def test_the_plan_in_the_guide(checkout: Checkout) -> None:
    checkout.write(dev=BEFORE).run("up", "dev")
    out = checkout.write(dev=AFTER).run("plan", "dev").out.replace(checkout.name, "churn")
    block = re.search(r"\$ envman plan dev\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    assert out == block[1]
