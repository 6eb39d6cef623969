"""Logs for machines: one JSON object a line, on standard output."""

import json
import logging
import logging.config
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

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
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def logging_configuration(level: str) -> dict[str, Any]:
    """Take the level of this package's logs; give a configuration for `logging` or uvicorn.

    Libraries stay at `info` or above: their debug output is for those who develop them.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "json",
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


def configure_logging(level: str) -> None:
    """Take the level of this package's logs; from now on the process logs in JSON."""
    logging.config.dictConfig(logging_configuration(level))
