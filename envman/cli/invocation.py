"""One run of the command line: what was asked for globally, and how results are shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envman.diagnostics import Diagnostic

if TYPE_CHECKING:
    from envman.operations.progress import Progress
    from envman.operations.workspace import Workspace
    from envman.output.style import Style

# How long a command waits for another envman on the same checkout.
PATIENCE = 600.0


class Format(StrEnum):
    """How results are written."""

    HUMAN = "human"
    CONCISE = "concise"
    JSON = "json"


@dataclass
class Invocation:
    """The global options, and the one place that writes to standard output and error."""

    directory: Path = field(default_factory=Path.cwd)
    format: Format = Format.HUMAN
    context: str | None = None
    host: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    shown: list[Diagnostic] = field(default_factory=list)
    result: Any = None
    handed_over: bool = False

    def choose(self, option: str, value: Any) -> None:
        """Take the global option named ``option``, wherever it stood on the command line.

        Raises:
            EnvmanError: EV902 where two of them contradict each other.
        """
        if option == "directory":
            self.directory = Path(value)
        elif option == "format":
            self.format = Format(value)
        elif option == "context":
            self.context = value
        else:
            # As the CLI has it: an address alone is one of TCP.
            host = value if "://" in value else f"tcp://{value}"
            self.environ = {**self.environ, "DOCKER_HOST": host}
            self.host = host
        if self.host is not None and self.context is not None:
            from envman.diagnostics.diagnostic import fail

            raise fail("EV902", "--host and --context both name an engine", help="give one of the two")

    def workspace(self, *, settings: Sequence[str] = (), instance: str | None = None) -> Workspace:
        """Return the workspace that this run is about."""
        from envman.operations.workspace import Workspace

        return Workspace.at(
            self.directory, self.environ, settings=parse_settings(settings), context=self.context, instance=instance
        )

    def progress(self) -> Progress:
        """Return where operations report to: standard error, or nowhere when a program reads the result."""
        from envman.operations.progress import Silent
        from envman.output.progress import LineProgress
        from envman.output.style import style_for

        if self.format is Format.JSON:
            return Silent()
        return LineProgress(sys.stderr, style_for(sys.stderr, self.environ))

    def exclusive(
        self, workspace: Workspace, what: str, progress: Progress, *, wait: bool = True, recovers: bool = False
    ) -> AbstractContextManager[None]:
        """Return the checkout's lock, held while the body changes its stacks; says what was interrupted before.

        Unless it is to ``wait``, another envman that holds it is EV506 at once. ``recovers`` as for ``take_turn``.
        """
        from envman.operations.turn import take_turn

        return take_turn(workspace, what, progress, patience=PATIENCE if wait else 0.0, recovers=recovers)

    def style(self) -> Style:
        """Return how results are painted on standard output."""
        from envman.output.style import style_for

        return style_for(sys.stdout, self.environ)

    def show(self, data: Any, text: str) -> None:
        """Write a command's result: ``data`` for a program, ``text`` for a person."""
        if self.format is Format.JSON:
            self.result = data
        elif text:
            if "://" in text and sys.stdout.isatty():
                text = self.style().linked(text)
            sys.stdout.write(text if text.endswith("\n") else text + "\n")
            sys.stdout.flush()

    def warn(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Write diagnostics, each once."""
        fresh = [one for one in diagnostics if one not in self.shown]
        self.shown.extend(fresh)
        if self.format is Format.JSON or not fresh:
            return
        from envman.output.diagnostics import concise, human
        from envman.output.style import style_for

        text = (
            concise(fresh)
            if self.format is Format.CONCISE
            else human(fresh, style_for(sys.stderr, self.environ)) + "\n"
        )
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def hand_over(self) -> None:
        """Leave standard output to another program: nothing of this run's own is written to it any more."""
        self.handed_over = True

    def finish(self, status: int) -> None:
        """Write the one JSON document of a run, where that is the format and standard output is still this run's."""
        if self.format is not Format.JSON or self.handed_over:
            return
        from envman.output.diagnostics import as_data, as_json

        document = {
            "exit_status": status,
            "diagnostics": [as_data(one) for one in self.shown],
            "result": self.result,
        }
        sys.stdout.write(as_json(document) + "\n")
        sys.stdout.flush()


def parse_settings(settings: Sequence[str]) -> dict[str, str]:
    """Return ``NAME=VALUE`` options as a mapping.

    Raises:
        EnvmanError: EV209 for one without ``=``.
    """
    from envman.diagnostics.diagnostic import fail

    parsed = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise fail("EV209", f'--set "{setting}" is not NAME=VALUE', expected="NAME=VALUE")
        parsed[name] = value
    return parsed
