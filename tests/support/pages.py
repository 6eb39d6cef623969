"""Pages whose blocks are carried out as a reader would: commands typed in order, in one shell, and files changed.

What a block is, its info string says:

- ``console``: lines that begin with ``$`` are typed; those below are what the command writes. ``…`` stands for the rest
  of a line, or alone on a line for any number of lines. ``console status=1``: that is how its commands end.
- ``diff``: a change, for ``git apply`` where the shell stands.
- A language and a file's name, ``yaml blueprints/dev.yaml``: the file's whole content, or where it is a Python file
  that exists, the definitions that take the place of those of the same name.
- Any other block is only to be read.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# What is another one each time, or on each machine.
_MASKS = (
    (re.compile(r"\d+(\.\d+)? ?m?s\b"), "TIME"),
    # Lines move with the template, and so does the number of its tests.
    (re.compile(r"(?<=\.yaml):\d+:\d+"), ":LINE"),
    (re.compile(r"\b\d+ passed\b"), "N passed"),
    # A ruler is as long as what it frames leaves room for.
    (re.compile(r"={3,}"), "==="),
    (re.compile(r"\b(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "DATE"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"(?<![\w.])(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b"), "ID"),
    (re.compile(r"[ \t]+"), " "),
)
_STEP = """
printf '%s' {number} >"$RECORD/last"
{{
{command}
}} >"$RECORD/{number}.out" 2>"$RECORD/{number}.err" </dev/null{ended}
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a page has its reader do."""

    command: str
    """What the shell is given."""
    expected: str = ""
    """What the page says that it writes."""
    status: int = 0
    text: str | None = None
    """The content that a block of a file or a change has; the command finds it as its own number in ``$RECORD``."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command of a page and what it wrote."""

    command: str
    out: str
    err: str
    expected: str = ""

    def as_expected(self) -> bool:
        """Return whether the page shows what was written: to standard output, to standard error, or to both."""
        return any(shows(self.expected, one) for one in (self.out, self.err, self.err + self.out))


def steps_of(page: str) -> list[Step]:
    """Return what the page's blocks have a reader do, in order."""
    steps: list[Step] = []
    for language, word, text in _FENCE.findall(page):
        if language == "console":
            steps += _commands(text, int(word.removeprefix("status=") or 0))
        elif language == "diff":
            steps.append(Step("git apply", text=text))
        elif word:
            steps.append(Step(word, text=text))
    return steps


def _commands(block: str, status: int) -> list[Step]:
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not parts[0].strip(), f"what wrote this? {parts[0]}"
    steps = []
    for part in parts[1:]:
        line, _, expected = part.partition("\n")
        steps.append(Step(re.sub(r"\s+# .*", "", line), expected.strip("\n"), status))
    return steps


def masked(text: str) -> str:
    """Return the text without what is another one each time."""
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def shows(expected: str, written: str) -> bool:
    """Return whether ``expected``, in which ``…`` stands for what was left out, is what was written."""
    pattern = ""
    for line in masked(expected).splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += "[^\n]*".join(re.escape(part) for part in line.split("…")) + "\n"
    return re.fullmatch(pattern, masked(written) + "\n") is not None or not expected


def run_steps(
    steps: list[Step], *, folder: Path, cwd: Path, environ: Mapping[str, str], path: str, seconds: int = 900
) -> tuple[Typed, ...]:
    """Carry the steps out in one shell that stands in ``cwd``; return what was typed and what it wrote.

    ``folder`` gets a record. ``environ`` is added to the tests' own environment without envman's variables.

    Raises:
        AssertionError: A step ended otherwise than its page says.
    """
    record = folder / "record"
    record.mkdir()
    script = "set -euo pipefail\n"
    for number, step in enumerate(steps):
        command = step.command
        if step.text is not None:
            (record / f"{number}.text").write_text(step.text)
            by = f'"{sys.executable}" "{Path(__file__).resolve()}"'
            text = f'"$RECORD/{number}.text"'
            command = f"git apply {text}" if command == "git apply" else f"{by} {text} '{command}'"
        ended = f" && false || [ $? = {step.status} ]" if step.status else ""
        script += _STEP.format(number=number, command=command, ended=ended)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=cwd,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("ENVMAN_")},
            **environ,
            "PATH": f"{path}:{os.environ['PATH']}",
            # So that `cd ..` leads out of a link, as it would out of a folder.
            "PWD": str(cwd),
            "RECORD": str(record),
        },
        check=False,
        timeout=seconds,
    )

    def written(number: int, stream: str) -> str:
        file = record / f"{number}.{stream}"
        return file.read_text() if file.exists() else ""

    typed = tuple(
        Typed(step.command, written(number, "out"), written(number, "err"), step.expected)
        for number, step in enumerate(steps)
    )
    if done.returncode != 0:
        last = typed[int((record / "last").read_text())]
        raise AssertionError(f"`{last.command}` ended with {done.returncode}:\n{last.out[-2000:]}{last.err[-6000:]}")
    return typed


def change(file: Path, text: str) -> None:
    """Write ``text`` as the file; of a Python file that exists only the definitions that ``text`` has."""
    if file.suffix != ".py" or not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return
    before = file.read_text()
    there = dict(_definitions(before))
    lines = before.splitlines(keepends=True)
    new = text.splitlines(keepends=True)
    # From below, so that the lines above keep their numbers.
    for name, (first, last) in sorted(_definitions(text), key=lambda one: there[one[0]], reverse=True):
        start, end = there[name]
        lines[start:end] = new[first:last]
    file.write_text("".join(lines))


def _definitions(source: str) -> list[tuple[str, tuple[int, int]]]:
    """Return the names that the source defines at its top, and the lines of each."""
    found = []
    for node in ast.parse(source).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                first = node.lineno
            case _:
                continue
        assert node.end_lineno is not None
        found.append((name, (first - 1, node.end_lineno)))
    return found


if __name__ == "__main__":
    change(Path(sys.argv[2]), Path(sys.argv[1]).read_text())
