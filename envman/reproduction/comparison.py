"""One attribute: production's value, what is there, and what the copy's definition says."""

from __future__ import annotations

from typing import Any

from envman.plan.causes import show
from envman.plan.drift import WITHHELD
from envman.render.document import Reference
from envman.reproduction.draft import RULES
from envman.reproduction.report import Evidence, Finding, Status


def compare(subject: str, attribute: str, wanted: Any, have: Any, made: Any, evidence: Evidence) -> Finding:
    """Return how ``wanted``, production's value, compares with what is there.

    ``made`` is what the copy's own definition says: only what is there as it says so is substituted.
    """
    secret = isinstance(wanted, Reference) or isinstance(made, Reference)
    rule = next((one for one in evidence.substitutions if one.covers(subject, attribute)), None)
    if secret:
        return _compare_secret(subject, attribute, wanted, have)
    texts = _text(attribute, wanted), _text(attribute, have)
    if rule is not None and rule.rule == "secrets":
        # A password on a command line has no name that would tell.
        texts = WITHHELD, texts[1]
    if wanted == have:
        return Finding(subject, attribute, Status.SAME, *texts)
    if rule is None:
        return Finding(subject, attribute, Status.UNKNOWN, *texts, why="it differs, and no rule says so")
    if _agree(attribute, made, have):
        return Finding(subject, attribute, Status.SUBSTITUTED, *texts, rule.rule, rule.why)
    why = f"the copy should have {_text(attribute, made)}: somebody or something else has changed it"
    return Finding(subject, attribute, Status.UNKNOWN, *texts, why=why)


def _compare_secret(subject: str, attribute: str, wanted: Any, have: Any) -> Finding:
    """Compare a value that the copy's document does not hold: that it is another one is the copy's own doing."""
    if have is None or have == wanted:
        why = "it is not set" if have is None else "the copy has production's own value"
        return Finding(subject, attribute, Status.UNKNOWN, WITHHELD, "none" if have is None else WITHHELD, why=why)
    return Finding(subject, attribute, Status.SUBSTITUTED, WITHHELD, WITHHELD, "secrets", RULES["secrets"])


def _agree(attribute: str, made: Any, have: Any) -> bool:
    if attribute == "ports" and isinstance(made, list) and isinstance(have, list):
        # A host port that the engine chose is one.
        pairs = zip(sorted(made), sorted(have), strict=False)
        return len(made) == len(have) and all(
            one == other or (":0->" in one and one.partition("->")[2] == other.partition("->")[2])
            for one, other in pairs
        )
    return bool(made == have)


def _text(attribute: str, value: Any) -> str:
    return "none" if value in (None, [], {}) else WITHHELD if value == WITHHELD else show(attribute, value)
