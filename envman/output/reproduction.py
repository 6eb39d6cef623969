"""The fidelity report: for people, as Markdown, as data."""

from __future__ import annotations

import re
from typing import Any, Final

from envman.diagnostics.visible import visible
from envman.output.tables import table
from envman.reproduction.report import Fidelity, Finding, Status

_HEADINGS: Final = {
    Status.SUBSTITUTED: "Substituted",
    Status.UNKNOWN: "Unknown",
    Status.SAME: "Same",
}


def fidelity_data(report: Fidelity) -> dict[str, Any]:
    """Return the report: counts, and each attribute with its status, both values, rule and reason."""
    return {
        "environment": report.environment,
        "copy": report.copy,
        "source": report.source,
        "counts": report.counts,
        "findings": [
            {
                "subject": one.subject,
                "attribute": one.attribute,
                "status": one.status.value,
                "production": one.production,
                "copy": one.copy,
                "rule": one.rule or None,
                "why": one.why or None,
            }
            for one in report.findings
        ],
    }


def counts_text(report: Fidelity) -> str:
    """Return the counts in a sentence."""
    same, substituted, unknown = report.counts.values()
    return f"{same} same, {substituted} substituted, {unknown} unknown"


def fidelity_text(report: Fidelity) -> str:
    """Return the report for a terminal: what is not the same in full, what is the same by service."""
    lines = [f"{report.copy} beside {report.environment} ({report.source}): {counts_text(report)}"]
    for status in (Status.SUBSTITUTED, Status.UNKNOWN):
        found = [one for one in report.findings if one.status is status]
        if not found:
            continue
        rows = [[f"  {one.subject}", one.attribute, _change(one), one.rule or one.why] for one in found]
        last = "RULE" if status is Status.SUBSTITUTED else "WHY"
        lines += ["", table([f"{_HEADINGS[status].upper()}", "ATTRIBUTE", "PRODUCTION -> COPY", last], rows)]
        if status is Status.SUBSTITUTED:
            rules = dict.fromkeys((one.rule, one.why) for one in found)
            lines += [f"    {rule}: {why}" for rule, why in rules]
    lines += ["", "SAME, compared on the running containers", *(f"  {line}" for line in _same(report))]
    return "\n".join(lines)


def _same(report: Fidelity) -> list[str]:
    subjects: dict[str, list[str]] = {}
    for one in report.findings:
        if one.status is Status.SAME:
            subjects.setdefault(one.subject, []).append(one.attribute)
    return [f"{subject}: {', '.join(visible(one) for one in names)}" for subject, names in subjects.items()]


def _change(one: Finding) -> str:
    return f"{one.production or 'none'} -> {one.copy or 'none'}"


def fidelity_markdown(report: Fidelity) -> str:
    """Return the report as Markdown, to be kept or sent around."""
    lines = [
        f"# {_cell(report.copy)}, a copy of {_cell(report.environment)}",
        "",
        f"From {_cell(report.source)}: **{counts_text(report)}**.",
    ]
    for status, heading in _HEADINGS.items():
        found = [one for one in report.findings if one.status is status]
        if not found:
            continue
        lines += ["", f"## {heading}", ""]
        if status is Status.SAME:
            lines += ["Compared on the running containers.", ""]
            lines += ["| what | attribute | value |", "|---|---|---|"]
            lines += [f"| {_cell(one.subject)} | {_cell(one.attribute)} | {_cell(one.production)} |" for one in found]
            continue
        lines += ["| what | attribute | production | copy | rule | why |", "|---|---|---|---|---|---|"]
        lines += [
            "| " + " | ".join(_cell(part) for part in (one.subject, one.attribute, one.production, one.copy, one.rule,
                                                        one.why)) + " |"
            for one in found
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    # A value may hold what Markdown would read as a column, a link or HTML.
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", visible(text)) or "-"
