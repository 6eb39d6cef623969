"""Which request is being answered, for whatever logs on its behalf."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
