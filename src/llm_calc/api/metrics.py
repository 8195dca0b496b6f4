"""Prometheus metrics of one application."""

from collections.abc import Iterable
from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from llm_calc.api.pools import Pool

_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})

MEDIA_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Requests by method, route and status, their durations, and how many are in flight."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (GCCollector, PlatformCollector, ProcessCollector):
            collector(registry=self.registry)
        self.requests = Counter(
            "llm_calc_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self.durations = Histogram(
            "llm_calc_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer",
            ("method", "route"),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "llm_calc_requests_in_flight", "Requests being answered now", registry=self.registry
        )

    def watch(self, pools: Iterable[Pool]) -> None:
        """Report the work that is under way or in line, and what was refused."""
        taken = Gauge("llm_calc_work_taken", "Work under way or in line", ("pool",), registry=self.registry)
        refused = Gauge(
            "llm_calc_work_refused", "Work refused since the start", ("pool",), registry=self.registry
        )
        for pool in pools:
            taken.labels(pool.name).set_function(partial(getattr, pool, "taken"))
            refused.labels(pool.name).set_function(partial(getattr, pool, "refused"))

    def observe(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request. Methods that HTTP does not define share one label."""
        known = method if method in _METHODS else "other"
        self.requests.labels(known, route, str(status)).inc()
        self.durations.labels(known, route).observe(duration_s)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
