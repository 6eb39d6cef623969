"""The property tests with many more examples than a test run can afford, and new ones every time."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = 20_000


def main() -> int:
    """Run them; further arguments go to pytest."""
    settings.register_profile(
        "fuzz", max_examples=EXAMPLES, deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow]
    )
    # hypothesis is imported here, before pytest could rewrite its asserts; the suite makes errors of warnings.
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    arguments = ["-m", "hypothesis", "--hypothesis-profile", "fuzz", "--timeout", "3600", *quiet]
    return int(pytest.main([*arguments, *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
