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

# A value's text and the values before it to what the text comes to, or None.
Expand: TypeAlias = Callable[[str, Mapping[str, str]], str | None]

_LINE: Final = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[\w.\[\]-]+)[ \t]*(?:(?P<separator>[=:])[ \t]*|(?=\r?\n|\Z))"
)
_QUOTED: Final = {
    "'": re.compile(r"'((?:[^'\\]++|\\.)*+)'[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]++|\\.)*+)"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)', re.DOTALL),
}
_COMMENT: Final = re.compile(r"(?<![ \t])[ \t]++#.*")
_REFERENCE: Final = re.compile(r"(?<![\\$])(?:\$\$)*\$[A-Za-z_{]")
_ESCAPED: Final = re.compile(r"\\(.)|\$\$", re.DOTALL)
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


def parse_dotenv(source: Source, report: Report, expand: Expand | None = None) -> dict[str, tuple[str, Span]]:
    """Return the names in ``source`` with their values and places; malformed lines go to ``report``.

    ``expand`` gives a value that refers to variables its text, from the values before it; without it, or where it
    returns None, such a value is not used, and a warning says so.
    """
    found: dict[str, tuple[str, Span]] = {}
    text = source.text
    position = number = 0
    while position < len(text):
        number += 1
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end].rstrip("\r")
        span = Span(source, number, 1, number, len(line) + 1)
        match = _LINE.match(text, position, end)
        following = end + 1
        if not line.strip() or line.lstrip().startswith("#"):
            pass
        elif match is None:
            report.error("EV113", "not a NAME=value line", span, expected="NAME=value", help="comments start with #")
        elif match["separator"] is None:
            pass  # the name alone: Compose takes the process's own value, which a variable names with `env:`
        elif text[match.end() : match.end() + 1] in _QUOTED:
            quote = text[match.end()]
            quoted = _QUOTED[quote].match(text, match.end())
            if quoted is not None:
                _keep(found, match["name"], quoted[1], quote, span, report, expand)
                following = quoted.end()
                number += text.count("\n", position, following - 1)
            elif text.find(quote, match.end() + 1, end) >= 0:
                report.error("EV113", "text follows the closing quote", span, expected="the end of the line")
            else:
                report.error("EV113", "a quote is never closed", span, expected=f"a closing {quote}")
        else:
            _keep(found, match["name"], _COMMENT.sub("", text[match.end() : end]).strip(), "", span, report, expand)
        position = following
    return found


def _unescaped_before_references(match: re.Match[str]) -> str:
    """Resolve an escape, but leave what is no reference marked as none."""
    if match[1] is None or match[1] == "$":
        return "$$"
    return _ESCAPES.get(match[1], match[0])


def _keep(
    found: dict[str, tuple[str, Span]],
    name: str,
    value: str,
    quote: str,
    span: Span,
    report: Report,
    expand: Expand | None,
) -> None:
    if quote == "'":
        value = value.replace("\\'", "'")
    elif _REFERENCE.search(value):
        if quote:
            value = _ESCAPED.sub(_unescaped_before_references, value)
        expanded = expand(value, {known: text for known, (text, _) in found.items()}) if expand is not None else None
        if expanded is not None:
            found[name] = (expanded, span)
            return
        report.warning(
            "EV113",
            f"{name} refers to another variable and is not used",
            span,
            help="put the value in single quotes if its $ is meant, or give the variable a `default:` in the blueprint",
        )
        return
    elif quote:
        value = _ESCAPED.sub(lambda match: "$" if match[1] is None else _ESCAPES.get(match[1], match[0]), value)
    else:
        value = value.replace("$$", "$")
    found[name] = (value, span)


def dotenv_line(name: str, value: str) -> str:
    """Return ``NAME=value`` as a line of a ``.env`` file that reads back as ``value``."""
    if not re.search(r"[\\'\n\r]", value):
        return f"{name}='{value}'"
    escaped = re.sub(r'[\\"$]', r"\\\g<0>", value).replace("\n", "\\n").replace("\r", "\\r")
    return f'{name}="{escaped}"'
