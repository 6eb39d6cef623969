"""What a container's own description tells beside the listing."""

from __future__ import annotations

import pytest
from stand_ins import container


@pytest.mark.parametrize(
    ("health", "streak", "retries", "unchecked"),
    [
        ("unhealthy", 0, 3, True),
        ("unhealthy", 2, 3, True),
        ("unhealthy", 3, 3, False),
        ("unhealthy", 3, 0, False),
        ("unhealthy", 2, 0, True),
        ("unhealthy", 1, 1, False),
        ("unhealthy", None, 3, False),
        ("healthy", 0, 3, False),
    ],
)
def test_what_was_paused_is_unhealthy_without_having_failed_often_enough(
    health: str, streak: int | None, retries: int, unchecked: bool
) -> None:
    state = {} if streak is None else {"Health": {"FailingStreak": streak}}
    inspected = {"State": state, "Config": {"Healthcheck": {"Retries": retries}}}
    assert container(health=health, inspected=inspected).is_unchecked is unchecked
