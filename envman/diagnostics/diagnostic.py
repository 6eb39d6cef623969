"""Diagnostics, the report that collects them, and the one fatal error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final

from envman.diagnostics.codes import CODES
from envman.diagnostics.span import Span

# Nobody reads more errors, and a file made to have more must not keep envman busy for minutes. Warnings have no limit:
# they never make input wrong.
MOST_ERRORS: Final = 500
# A name longer than this is no slip of the pen; of more names than this the likelier ones are compared.
_LONGEST_NAME: Final = 64
_MOST_NAMES: Final = 50
_MOST_KNOWN: Final = 1000
_LIKE: Final = 0.6


class Severity(StrEnum):
    """How much a diagnostic matters: an error stops the command, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """A second place or fact that explains a diagnostic."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem.

    ``message`` says what is wrong, ``expected`` what would have been right (shown under the span),
    ``notes`` what else matters, ``help`` what to do next. ``detail`` is verbatim text of another
    program (the end of a build's output, a service's last log lines).
    """

    code: str
    message: str
    span: Span | None = None
    expected: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    detail: str = ""
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code} is not in envman.diagnostics.codes")

    @property
    def place(self) -> tuple[str, int, int]:
        """The order in which diagnostics are shown: by file, line and column; those without a place last."""
        if self.span is None:
            return ("\uffff", 0, 0)
        return (self.span.source.name, self.span.line, self.span.column)


TOO_MANY: Final = Diagnostic(
    "EV114",
    f"more than {MOST_ERRORS} errors: the rest is not looked for",
    help="mend these first; one mistake near the top often makes many",
)


@dataclass(slots=True)
class Report:
    """Collects diagnostics, so that one run shows all of them, in order, none twice.

    Of the warnings with one code and one advice at one place it keeps the first: services that share an anchor share
    its problem.

    Raises:
        EnvmanError: with everything collected and EV114, where there are more than ``MOST_ERRORS`` errors.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    _known: set[Diagnostic | tuple[str, Span, str]] = field(init=False, repr=False, compare=False)
    _errors: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        given, self.diagnostics, self._known = self.diagnostics, [], set()
        self.extend(given)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep ``diagnostic`` unless the same one, or for a warning its like at the same place, is already here."""
        is_error = diagnostic.severity is Severity.ERROR
        key = diagnostic if is_error or diagnostic.span is None else (diagnostic.code, diagnostic.span, diagnostic.help)
        if key in self._known:
            return
        if is_error and self._errors >= MOST_ERRORS and diagnostic.code != TOO_MANY.code:
            raise EnvmanError(*self, TOO_MANY)
        self._known.add(key)
        self._errors += is_error
        self.diagnostics.append(diagnostic)

    def error(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        expected: str = "",
        notes: tuple[Note, ...] = (),
        help: str = "",  # noqa: A002 - the word that the reader sees
    ) -> None:
        """Add an error."""
        self.add(Diagnostic(code, message, span, expected, notes, help))

    def warning(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        expected: str = "",
        notes: tuple[Note, ...] = (),
        help: str = "",  # noqa: A002
    ) -> None:
        """Add a warning."""
        self.add(Diagnostic(code, message, span, expected, notes, help, severity=Severity.WARNING))

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add each of ``diagnostics``."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors, in order of place."""
        return [one for one in self if one.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Diagnostic]:
        """The warnings, in order of place."""
        return [one for one in self if one.severity is Severity.WARNING]

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self.diagnostics, key=lambda one: one.place))

    def __bool__(self) -> bool:
        return bool(self.diagnostics)

    def raise_errors(self) -> None:
        """Raise EnvmanError with everything collected if there is an error among it."""
        if self.errors:
            raise EnvmanError(*self)


class EnvmanError(Exception):
    """The one fatal error: some diagnostics, at least one of them an error. The edge of the CLI reports it."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{one.code}: {one.message}" for one in diagnostics))
        self.diagnostics = diagnostics

    @property
    def exit_status(self) -> int:
        """The status that the command ends with: the highest that the codes of its errors ask for."""
        return max(
            (CODES[one.code].exit_status for one in self.diagnostics if one.severity is Severity.ERROR), default=1
        )


def fail(
    code: str,
    message: str,
    span: Span | None = None,
    *,
    expected: str = "",
    notes: tuple[Note, ...] = (),
    help: str = "",  # noqa: A002
    detail: str = "",
) -> EnvmanError:
    """Make the EnvmanError of one diagnostic, for a leaf to raise that cannot go on."""
    return EnvmanError(Diagnostic(code, message, span, expected, notes, help, detail))


def near_match(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean "x"?`` for the known name closest to ``name``, or an empty string."""
    from difflib import get_close_matches

    length = len(name)
    if length > _LONGEST_NAME:
        return ""
    # The ratio of two names can reach the limit only where their lengths are near each other.
    likely = [one for one in islice(known, _MOST_KNOWN) if 2 * min(length, len(one)) >= _LIKE * (length + len(one))]
    if len(likely) > _MOST_NAMES:
        likely.sort(key=lambda one: (one[:1] != name[:1], abs(len(one) - length)))
    close = get_close_matches(name, likely[:_MOST_NAMES], n=1, cutoff=_LIKE)
    return f'did you mean "{close[0]}"?' if close else ""
