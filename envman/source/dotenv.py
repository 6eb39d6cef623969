"""`.env` files: ``NAME=value`` a line, as Compose reads them, for the values of declared variables.

Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax.
Interpolation inside `.env` files is refused rather than half done: a blueprint has typed variables for that.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from envman.diagnostics import Report, Source, Span
from envman.source.files import read_source

_LINE: Final = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\s*(?:=|:)(?P<value>.*)", re.DOTALL)
_ESCAPES: Final = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "\\": "\\",
    '"': '"',
    "$": "$",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
}


def read_dotenv(path: Path, *, root: Path, report: Report) -> dict[str, tuple[str, Span]]:
    """Return the names in ``path`` with their values and places; nothing where there is no such file."""
    if not path.exists():
        return {}
    source = read_source(path, root=root, confidential=True)
    return parse_dotenv(source, report)


def parse_dotenv(source: Source, report: Report) -> dict[str, tuple[str, Span]]:
    """Return the names in ``source`` with their values and places; malformed lines go to ``report``."""
    found: dict[str, tuple[str, Span]] = {}
    lines = source.text.splitlines()
    index = 0
    while index < len(lines):
        number, line = index + 1, lines[index]
        index += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        span = Span(source, number, 1, number, len(line) + 1)
        match = _LINE.fullmatch(line)
        if match is None:
            report.error("EV113", "not a NAME=value line", span, expected="NAME=value", help="comments start with #")
            continue
        value = match["value"].strip()
        if value[:1] in {"'", '"'}:
            quote = value[0]
            while not _closed(value, quote) and index < len(lines):
                value += "\n" + lines[index]
                index += 1
            if not _closed(value, quote):
                report.error("EV113", "a quote is never closed", span, expected=f"a closing {quote}")
                continue
            found[match["name"]] = (_unquote(value, quote), span)
        else:
            found[match["name"]] = (re.sub(r"\s+#.*$", "", value).rstrip(), span)
    return found


def _end(value: str, quote: str) -> int:
    position = 1
    while position < len(value):
        if value[position] == "\\" and quote == '"':
            position += 1
        elif value[position] == quote:
            return position
        position += 1
    return -1


def _closed(value: str, quote: str) -> bool:
    return _end(value, quote) > 0


def _unquote(value: str, quote: str) -> str:
    inner = value[1 : _end(value, quote)]
    if quote == "'":
        return inner
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), inner, flags=re.DOTALL)
