"""What went wrong, where, and what to do next. Knows nothing of the rest of envman."""

from envman.diagnostics.diagnostic import Diagnostic, EnvmanError, Note, Report, Severity
from envman.diagnostics.span import Source, Span

__all__ = ["Diagnostic", "EnvmanError", "Note", "Report", "Severity", "Source", "Span"]
