"""What a project records of its template: ``.envman-template.yaml``, plain and reviewable."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from envman.diagnostics import Report
from envman.diagnostics.diagnostic import fail
from envman.model.binding import bind
from envman.model.fields import Attributes, made_by
from envman.model.types import Text
from envman.source.files import read_source
from envman.source.reader import read_tree
from envman.source.tree import span_at
from envman.source.writer import write_yaml

RECORD_FILE: Final = ".envman-template.yaml"
_VERSION: Final = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,3}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HEADER: Final = """\
# What this project was made from. `envman update` merges a newer version of the template into it, by what stands here
# and by the template's files in {pristine}. Both belong into the repository.
"""


class Record(Attributes):
    """A template's name, version and answers.

    ``source`` is the git address that it came from (none: the one that comes with envman, or a folder), ``digest`` that
    of the files which it made of the answers.
    """

    template: Text
    version: Text
    source: Text | None = None
    digest: Text
    answers: dict[str, Text] = made_by(dict)


def template_of(root: Path) -> tuple[str, str] | None:
    """Return the name and version of the template that the project at ``root`` was made from; None if not recorded.

    Raises:
        EnvmanError: as ``read_record``.
    """
    record = read_record(root)
    return None if record is None else (record.template, record.version)


def read_record(root: Path) -> Record | None:
    """Return what the project at ``root`` records of its template, or None where there is nothing.

    Raises:
        EnvmanError: EV706 for a name or version that is none, EV1xx for a file that is not a record at all.
    """
    path = root / RECORD_FILE
    if not path.exists():
        return None
    report = Report()
    tree = read_tree(read_source(path, root=root), report)
    report.raise_errors()
    assert tree is not None  # there was no error
    record, _ = bind(tree, Record, report, what="a record of a template")
    report.raise_errors()
    assert record is not None  # there was no error
    for key, pattern in (("template", _NAME), ("version", _VERSION)):
        value = getattr(record, key)
        if not pattern.fullmatch(value):
            raise fail(
                "EV706",
                f'"{value}" is not a template\'s {"name" if key == "template" else key}',
                span_at(tree, (key,)),
                help=f"`git checkout -- {RECORD_FILE}` brings back what it was",
            )
    return record


def record_text(
    template: str, version: str, *, digest: str, answers: Mapping[str, str], source: str | None, pristine: str
) -> str:
    """Return the file: the same answers are the same text everywhere."""
    data: dict[str, object] = {"template": template, "version": version}
    if source is not None:
        data["source"] = source
    return _HEADER.format(pristine=pristine) + write_yaml({**data, "digest": digest, "answers": dict(answers)})


def is_version(text: str) -> bool:
    """Whether ``text`` is a version that can be compared: numbers with dots between."""
    return _VERSION.fullmatch(text) is not None


def is_template_name(text: str) -> bool:
    """Whether ``text`` can name a template."""
    return _NAME.fullmatch(text) is not None


def is_older(one: str, other: str) -> bool:
    """Whether version ``one`` came before ``other``. Both are versions; 1.0 and 1.0.0 are the same."""
    return _numbers(one) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))
