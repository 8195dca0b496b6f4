"""Traces of requests by OpenTelemetry, where its extra is installed and the environment names a collector.

The variables are OpenTelemetry's own (``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_SERVICE_NAME`` …).
"""

import logging
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
MISSING = "OpenTelemetry: traces need the extra llm-calc[otel]; none are sent"
SERVER_ERROR = 500

log = logging.getLogger("llm_calc.tracing")


def tracer_from(environment: Mapping[str, str] = os.environ) -> Any | None:  # noqa: ANN401 - a type of the extra
    """What makes spans; None where no collector is named or the extra is missing, which is then said."""
    if not any(environment.get(name) for name in ENDPOINTS):
        return None
    try:
        sdk, export = (
            import_module("opentelemetry.sdk.trace"),
            import_module("opentelemetry.sdk.trace.export"),
        )
        otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = import_module("opentelemetry.sdk.resources")
    except ImportError:
        log.warning(MISSING)
        return None
    name = environment.get("OTEL_SERVICE_NAME", "llm-calc")
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": name}))
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    return provider.get_tracer("llm_calc")


class Traced:
    """One span a request, under the caller's trace where its headers name one."""

    def __init__(self, app: ASGIApp, tracer: Any) -> None:  # noqa: ANN401 - a type of the extra
        self.app, self.tracer = app, tracer
        self.propagate = import_module("opentelemetry.propagate")
        self.trace = import_module("opentelemetry.trace")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within its span."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"][:200]
        with self.tracer.start_as_current_span(
            method,
            context=self.propagate.extract(carrier),
            kind=self.trace.SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": path},
        ) as span:
            await self.app(scope, receive, _told(span, send))
            route = getattr(scope.get("route"), "path", None)
            if route is not None:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)


def _told(span: Any, send: Send) -> Send:  # noqa: ANN401 - a type of the extra
    """``send`` that tells the span the status of the answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.set_attribute("http.response.status_code", message["status"])
        await send(message)

    return sending
