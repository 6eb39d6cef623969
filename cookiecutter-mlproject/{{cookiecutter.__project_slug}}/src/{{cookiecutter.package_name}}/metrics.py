"""What is measured: requests, predictions and the model in service, as Prometheus reads it."""

import logging
import re
import time
import uuid
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logs import request_id
from .predict import Prediction

_LOGGER = logging.getLogger(__name__)
# Asked again and again by health checks and Prometheus: counted, but not logged.
_QUIET: Final = ("/health/live", "/health/ready", "/metrics")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Metrics:
    """The measurements of one service; each has a registry of its own."""

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests", "Requests", ("method", "route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "http_request_duration_seconds", "Time to answer", ("route",), registry=self._registry
        )
        self.predictions = Counter(
            "predictions", "Rows predicted", ("label", "model_version"), registry=self._registry
        )
        self.probability = Histogram(
            "prediction_probability",
            "Probability of the positive class",
            buckets=[tenth / 10 for tenth in range(1, 11)],
            registry=self._registry,
        )
        self.model = Gauge(
            "model_info", "1 for the model in service", ("name", "version"), registry=self._registry
        )

    def count_predictions(self, predictions: Iterable[Prediction], *, model_version: str) -> None:
        """Take predictions and the version that made them; count them."""
        for label, probability in predictions:
            self.predictions.labels(label, model_version).inc()
            self.probability.observe(probability)

    def text(self, model: tuple[str, str] | None) -> bytes:
        """Take name and version of the model in service; give everything in Prometheus's format."""
        self.model.clear()
        if model is not None:
            self.model.labels(*model).set(1)
        return generate_latest(self._registry)


class Measured:
    """Counts and times every request, logs it unless it polls, and gives it an ID for log lines."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Take the service and where its measurements go."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The gateway's ID, if it is one: what a client sends goes into logs.
        given = Headers(scope=scope).get("x-request-id", "")
        identity = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identity)
        status = 500
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = identity
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            # By route, not by path: whoever asks for many paths must not fill the memory.
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.requests.labels(scope["method"], route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            if route not in _QUIET:
                _LOGGER.info(
                    "%s %s",
                    scope["method"],
                    route,
                    extra={"status": status, "seconds": round(seconds, 4)},
                )
            request_id.reset(token)
