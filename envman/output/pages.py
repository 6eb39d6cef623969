"""The pages of diagnostic codes as text for a terminal."""

from __future__ import annotations

from envman.output.style import Style


def page_text(page: str, style: Style) -> str:
    """Return a page of Markdown as plain text: headings without marks, examples indented."""
    lines: list[str] = []
    in_example = False
    for line in page.splitlines():
        if line.startswith("```"):
            in_example = not in_example
        elif in_example:
            lines.append(f"    {line}".rstrip())
        elif line.startswith("#"):
            lines.append(style.bold(line.lstrip("#").strip()))
        else:
            lines.append(line)
    return "\n".join(_wrapped(lines)) + "\n"


def _wrapped(lines: list[str]) -> list[str]:
    import textwrap

    wrapped: list[str] = []
    for line in lines:
        if line.startswith("    ") or "\x1b" in line:
            wrapped.append(line)
            continue
        indent = "  " if line.startswith("- ") else ""
        wrapped += textwrap.wrap(
            line, 88, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return wrapped
