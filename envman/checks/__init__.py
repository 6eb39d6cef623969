"""What a stack would do wrong, found before an engine is asked."""

from envman.checks.rules import advise, as_file, check_environment
from envman.checks.together import check_together

__all__ = ["advise", "as_file", "check_environment", "check_together"]
