"""`.env` files: ``NAME=value`` a line, as Compose reads them, for the values of declared variables.

Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax, and what
Compose 2.40 made of each form. What a value refers to is looked up by whoever reads the file: the names before it
belong to this file, the rest to a process that this package knows nothing of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from envman.diagnostics import Report, Source, Span
from envman.source.files import read_source
from envman.source.places import is_anything

# A value's text, the values before it and its place to what the text comes to, or None.
Expand: TypeAlias = Callable[[str, Mapping[str, str], Span], str | None]
# A name that stands alone on its line, and its place, to its value outside of the file, or None.
Inherit: TypeAlias = Callable[[str, Span], str | None]

# What Go calls a space within a line, and what it calls a space at all.
_BLANK: Final = " \t\v\f\r\x85\xa0"
_SPACE: Final = _BLANK + "\n\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_BETWEEN: Final = re.compile(rf"(?:[{_SPACE}]++|#[^\n]*+)*+")
_NAME: Final = re.compile(
    rf"(?:export(?=[ \t\n\f\r])[{_BLANK}]*+)?(?P<name>[\w.\[\]{_BLANK}-]*+)(?P<separator>[=:]|\n|\Z)[{_BLANK}]*+"
)
_QUOTED: Final = {
    "'": re.compile(r"'((?:[^'\\]++|\\.)*+)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL),
}
_REFERENCE: Final = re.compile(r"\$[A-Za-z_{]")
_ESCAPED: Final = re.compile(r"\\(0[0-9]{0,3}|.)", re.DOTALL)
# Go takes an octal escape of three digits; those beyond ASCII are single bytes, which are no text.
_ASCII: Final = re.compile(r"0[01][0-7]{2}")
_ESCAPES: Final = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "\\": "\\",
    '"': '"',
    "$": "$$",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
}


def read_dotenv(path: Path, *, root: Path, report: Report, expand: Expand | None = None) -> dict[str, tuple[str, Span]]:
    """Return the names in ``path`` with their values and places; nothing where there is no such file.

    Raises:
        EnvmanError: as ``read_source``.
    """
    # Not exists(): a broken link is a mistake, not the absence of a file.
    if not is_anything(path):
        return {}
    source = read_source(path, root=root, confidential=True)
    return parse_dotenv(source, report, expand)


def parse_dotenv(
    source: Source, report: Report, expand: Expand | None = None, inherit: Inherit | None = None
) -> dict[str, tuple[str, Span]]:
    """Return the names in ``source`` with their values and places; malformed lines go to ``report``.

    ``expand`` gives a value that refers to variables its text, from the values before it; without it, or where it
    returns None, such a value is not used, and a warning says so. A name alone takes its value from elsewhere:
    from ``inherit``; without it, or where it returns None, the name is left out.
    """
    found: dict[str, tuple[str, Span]] = {}
    values: dict[str, str] = {}
    text = source.text
    position = number = 0
    line_end = quote_end = -1
    while (position := _past(_BETWEEN, text, position)) < len(text):
        if position > line_end:
            number += text.count("\n", max(line_end, 0), position) + (number == 0)
            line_end = _end_of_line(text, position)
            line_start = text.rfind("\n", 0, position) + 1
            span = Span(source, number, 1, number, len(text[line_start:line_end].rstrip("\r")) + 1)
        if quote_end > line_start:
            report.warning(
                "EV113",
                "text follows the closing quote: Compose reads it as a line of its own",
                span,
                expected="the end of the line",
            )
        match = _NAME.match(text, position)
        name = match["name"].rstrip(_SPACE) if match else ""
        if match is None or " " in name:
            report.error("EV113", "not a NAME=value line", span, expected="NAME=value", help="comments start with #")
            position = line_end
            continue
        position = match.end()
        if match["separator"] not in ("=", ":"):
            inherited = inherit(name, span) if inherit is not None and name else None
            if inherited is not None:
                found[name], values[name] = (inherited, span), inherited
            continue
        quote = text[position : position + 1]
        if quote in _QUOTED:
            quoted = _QUOTED[quote].match(text, position)
            if quoted is None:
                report.error("EV113", "a quote is never closed", span, expected=f"a closing {quote}")
                position = line_end
                continue
            value = quoted[1].replace("\\'", "'") if quote == "'" else _ESCAPED.sub(_unescaped, quoted[1])
            position = quote_end = quoted.end()
        else:
            end = _end_of_line(text, position)
            value = text[position:end].partition(" #")[0].rstrip(_SPACE)
            position = end
        if not name:
            report.warning("EV113", "a value without a name is not used", span, expected="NAME=value")
            continue
        resolved = _resolved(value, values, span, expand) if quote != "'" and "$" in value else value
        if resolved is None:
            report.warning(
                "EV113",
                f"{name} refers to another variable and is not used",
                span,
                help="put the value in single quotes if its $ is meant, "
                "or give the variable a `default:` in the blueprint",
            )
            continue
        found[name] = (resolved, span)
        values[name] = resolved
    return found


def _past(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _unescaped(match: re.Match[str]) -> str:
    """Resolve an escape; a dollar stays doubled, as the expansion that follows reads it."""
    escaped = match[1]
    if escaped.startswith("0"):
        return chr(int(escaped, 8)) if _ASCII.fullmatch(escaped) else "\\" + escaped[1:]
    return _ESCAPES.get(escaped, match[0])


def _resolved(value: str, before: Mapping[str, str], place: Span, expand: Expand | None) -> str | None:
    if not _REFERENCE.search(value.replace("$$", "")):
        return value.replace("$$", "$")
    return expand(value, before, place) if expand is not None else None


def dotenv_line(name: str, value: str) -> str:
    """Return ``NAME=value`` as a line of a ``.env`` file that reads back as ``value``."""
    if not re.search(r"[\\'\n\r]", value):
        return f"{name}='{value}'"
    escaped = re.sub(r'[\\"$]', r"\\\g<0>", value).replace("\n", "\\n").replace("\r", "\\r")
    return f'{name}="{escaped}"'
