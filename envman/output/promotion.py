"""A promotion, for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envman.output.lock import locking_data, locking_text, short
from envman.output.tables import table

if TYPE_CHECKING:
    from envman.operations.promotion import PromotedImage, Promotion


def promotion_text(found: Promotion, *, done: bool) -> str:
    """Return what a promotion does, or has ``done``: images, the lock's changes, what stays as it is."""
    rows = [[f"  {one.service}", one.target.familiar, _digests(one), _how(one)] for one in found.images]
    parts = [f"{found.source.name} -> {found.target.name}"]
    if rows:
        parts.append(table(["  SERVICE", "IMAGE", "DIGEST", "HOW"], rows))
    parts += [f"  left: {one}" for one in found.left]
    parts.append(locking_text(found.locking, written=bool(found.locking.changes), checked=False))
    if done:
        parts.append(f"`envman up {found.target.name} --frozen` runs them")
    return "\n".join(parts)


def _digests(one: PromotedImage) -> str:
    if one.before is None or one.before == one.digest:
        return short(one.digest)
    return f"{short(one.before)} -> {short(one.digest)}"


def _how(one: PromotedImage) -> str:
    if one.manifest is None:
        return "the lock alone"
    if not one.moves:
        return "has the tag already"
    return "a new tag" if one.source.repository == one.target.repository else f"from {one.source.repository}"


def promotion_data(found: Promotion, *, done: bool) -> dict[str, Any]:
    """Return a promotion as plain data."""
    return {
        "from": found.source.name,
        "to": found.target.name,
        "done": done,
        "images": [
            {
                "service": one.service,
                "source": one.source.canonical,
                "target": one.target.canonical,
                "digest": one.digest,
                "before": one.before,
                "tagged": one.moves,
            }
            for one in found.images
        ],
        "left": list(found.left),
        "lock": locking_data(found.locking, written=done and bool(found.locking.changes)),
    }
