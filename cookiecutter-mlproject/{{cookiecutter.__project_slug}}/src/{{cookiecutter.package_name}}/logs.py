"""Logs on standard output: one JSON object a line for machines, plain lines on a terminal."""

import json
import logging
import logging.config
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

Format = Literal["auto", "json", "text"]

# Which request is being answered, for whatever logs on its behalf.
request_id: ContextVar[str] = ContextVar("request_id", default="")

# What every record has; whatever else stands on one was given by `extra=`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Take a record; give its time, level, logger, message, extras and traceback as JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identity := request_id.get():
            line["request_id"] = identity
        line |= _extras(record)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Formats a record for people: time, level, message, and extras as NAME=VALUE."""

    def format(self, record: logging.LogRecord) -> str:
        """Take a record; give its line, and its traceback below it."""
        time = datetime.fromtimestamp(record.created).astimezone()
        extras = "".join(f"  {name}={_short(value)}" for name, value in _extras(record).items())
        line = f"{time:%H:%M:%S} {record.levelname.lower():7} {record.getMessage()}{extras}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(one)}" for name, one in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def logging_configuration(level: str, form: Format = "auto") -> dict[str, Any]:
    """Take the level of this package's logs and their format; give a configuration for `logging`.

    `auto` is text on a terminal and JSON elsewhere. Libraries stay at `info` or above: their debug
    output is for those who develop them.
    """
    if form == "auto":
        form = "text" if sys.stdout.isatty() else "json"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}, "text": {"()": TextFormatter}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "stream": "ext://sys.stdout",
            },
        },
        "root": {"level": "INFO" if level == "debug" else level.upper(), "handlers": ["stdout"]},
        "loggers": {
            (__package__ or "__main__"): {"level": level.upper()},
            # `metrics` logs requests, with their IDs.
            "uvicorn.access": {"level": "WARNING"},
            {% if cookiecutter.tracking == "mlflow" %}
            # Misses pip, whose version it would like to note; images hold none.
            "mlflow.utils.environment": {"level": "ERROR"},
            {% endif %}
        },
    }


def configure_logging(level: str, form: Format = "auto") -> None:
    """Take the level of this package's logs and their format; from now on the process logs so."""
    logging.config.dictConfig(logging_configuration(level, form))
