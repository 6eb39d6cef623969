"""The text of a captured blueprint."""

from __future__ import annotations

from typing import Any, Final

from envman.capture.stack import Captured
from envman.diagnostics.visible import visible
from envman.render.document import escape
from envman.source.writer import write_yaml

_SECTIONS: Final = ("variables", "services", "networks", "volumes", "configs", "secrets")


def blueprint_text(captured: Captured, data: dict[str, Any]) -> str:
    """Return the blueprint of ``data`` (that of ``captured`` without its secrets), with what was left out on top."""
    what = f"the stack {captured.name}" if captured.name else "running containers"
    lines = [f"Captured from {what} by `envman capture`."]
    remarks = [f"- {one.message}" for one in captured.report.warnings if one.code != "EV826"]
    if remarks:
        lines += ["", "What it does not say:", *remarks]
    # A name may hold a line break, which would end the comment.
    comments = "".join(f"# {visible(line)}\n" if line else "#\n" for line in lines)
    body: dict[str, Any] = {"description": f"What {captured.name or 'the containers'} ran when it was captured"}
    body |= {section: data[section] for section in _SECTIONS if data.get(section)}
    return comments + write_yaml(escape(body))
