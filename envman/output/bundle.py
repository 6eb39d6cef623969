"""Bundles as text and as data."""

from __future__ import annotations

from dataclasses import asdict
from shlex import quote
from typing import TYPE_CHECKING, Any

from envman.output.snapshots import size_text

if TYPE_CHECKING:
    from envman.bundle.contents import Contents
    from envman.operations.bundle import Loaded
    from envman.operations.bundling import Made

_SHORT = 19


def made_data(made: Made) -> dict[str, Any]:
    """Return a bundle that was written as data."""
    return {"file": str(made.path), "size": made.size, "sha256": made.sha256, **contents_data(made.contents)}


def made_text(made: Made) -> str:
    """Return a bundle that was written for people."""
    return f"{made.path}, {size_text(made.size)}, SHA-256 {made.sha256}\n\n{contents_text(made.contents)}"


def contents_data(contents: Contents) -> dict[str, Any]:
    """Return what is in a bundle as data."""
    data = asdict(contents)
    del data["_by_name"]
    data["files"] = data.pop("parts")
    return data


def contents_text(contents: Contents) -> str:
    """Return what is in a bundle for people."""
    files = [part.name.removeprefix("project/") for part in contents.under("project/")]
    lines = [
        f"{contents.environment} of {contents.project}, for {contents.platform}, made with envman {contents.envman}",
        "",
        f"  images ({size_text(contents.unpacked)} once unpacked)",
        *(f"    {', '.join(one.tags)}  {one.id[:_SHORT]}  from the {one.source}" for one in contents.images),
        "",
        f"  project: {len(files)} files",
        *(f"    {name}" for name in files[:_MOST_FILES]),
    ]
    if len(files) > _MOST_FILES:
        lines.append(f"    and {len(files) - _MOST_FILES} more")
    if contents.snapshots:
        lines += ["", "  snapshots"]
        for snapshot in contents.snapshots:
            size = sum(part.size for part in contents.under(f"snapshots/{snapshot}/"))
            lines.append(f"    {snapshot}  {size_text(size)}")
    if contents.left_out:
        lines += ["", "  left out", *(f"    {one.what}: {one.why}" for one in contents.left_out)]
    return "\n".join(lines)


_MOST_FILES = 20


def loaded_data(loaded: Loaded) -> dict[str, Any]:
    """Return what was loaded as data."""
    return {
        "project": loaded.contents.project,
        "environment": loaded.contents.environment,
        "images": [
            {
                "name": loaded.names[image.name],
                "id": loaded.images[image.name],
                "loaded": image.name in loaded.fresh,
            }
            for image in loaded.contents.images
        ],
        "folder": str(loaded.root) if loaded.root is not None else None,
        "snapshots": list(loaded.snapshots),
        "left_out": [asdict(one) for one in loaded.contents.left_out],
    }


def loaded_text(loaded: Loaded) -> str:
    """Return what was loaded for people, and what to do next."""
    contents, environment = loaded.contents, loaded.contents.environment
    lines = [
        f"{loaded.names[image.name]}  {loaded.images[image.name][:_SHORT]}"
        f"  {'loaded' if image.name in loaded.fresh else 'was there already'}"
        for image in contents.images
    ]
    if loaded.root is not None:
        lines.append(f"the project {contents.project} is in {loaded.root}")
        lines += [f"  not in the bundle: {one.what}: {one.why}" for one in contents.left_out]
    if loaded.snapshots:
        lines.append(f"snapshots: {', '.join(loaded.snapshots)}")
    elif contents.snapshots:
        lines.append("snapshots were left in the bundle: there is no such project here; `--into DIR` unpacks it")
    if loaded.root is not None:
        data = f" --with-data {loaded.snapshots[0]}" if loaded.snapshots else ""
        lines += [
            "",
            f"Next: cd {quote(str(loaded.root))}",
            f"  envman up {environment} --frozen   to run it here",
            f"  envman reproduce {environment}{data}   to try it, with a report on what is not the same",
        ]
    return "\n".join(lines)
