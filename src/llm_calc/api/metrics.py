"""Prometheus metrics of one application."""

import os
from collections.abc import Iterable

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
from prometheus_client.multiprocess import MultiProcessCollector

from llm_calc.api.pools import Pool

_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Set before this module is loaded, it makes the library keep all counts in files of a folder."""
MEDIA_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Requests by method, route and status, their durations, and how many are in flight.

    Where several processes answer on one address, the folder of ``FOLDER_VARIABLE`` holds the counts of each, and their
    sums are reported.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.are_sums = FOLDER_VARIABLE in os.environ
        for collector in () if self.are_sums else (GCCollector, PlatformCollector, ProcessCollector):
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
            "llm_calc_requests_in_flight",
            "Requests being answered now",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def watch(self, pools: Iterable[Pool]) -> None:
        """Report the work that is under way or in line, and what was refused."""
        taken = Gauge(
            "llm_calc_work_taken",
            "Work under way or in line",
            ("pool",),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        refused = Counter("llm_calc_work_refused", "Work refused", ("pool",), registry=self.registry)
        for pool in pools:
            pool.on_taken = taken.labels(pool.name).inc
            pool.on_refused = refused.labels(pool.name).inc

    def observe(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request. Methods that HTTP does not define share one label."""
        known = method if method in _METHODS else "other"
        self.requests.labels(known, route, str(status)).inc()
        self.durations.labels(known, route).observe(duration_s)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        if not self.are_sums:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
