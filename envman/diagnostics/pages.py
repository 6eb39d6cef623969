"""The page of each code: what it means, an example, and what to do. `envman explain EV103` prints it."""

from __future__ import annotations

from pathlib import Path

from envman.diagnostics.codes import CODES
from envman.diagnostics.diagnostic import fail, near_match

PAGES = Path(__file__).parent / "pages"


def looks_like_code(word: str) -> bool:
    """Whether ``word`` means a code; an environment of that name can be meant by giving a path after it."""
    return word[:2].upper() == "EV" and word[2:].isdecimal()


def read_page(code: str) -> str:
    """Return the page of ``code``, as Markdown.

    Raises:
        EnvmanError: EV013 where there is no such code.
    """
    known = code.upper()
    if known not in CODES:
        raise fail(
            "EV013",
            f"{code} is no diagnostic code",
            expected=near_match(known, CODES) or f"one of {min(CODES)} to {max(CODES)}",
            help="codes stand in brackets behind `error` or `warning`",
        )
    return (PAGES / f"{known}.md").read_text(encoding="utf-8")
