"""What the gateway counts and times, for Prometheus: counts and latencies only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LIVE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1.0)


class Meters:
    """One set of meters a gateway."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "voxguard_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.refusals = Counter(
            "voxguard_refusals", "What was not forwarded.", ["code"], registry=self.registry
        )
        self.clips = Counter("voxguard_clips", "Recordings anonymized.", registry=self.registry)
        self.waiting = Gauge(
            "voxguard_waiting", "Requests with audio not yet forwarded.", registry=self.registry
        )
        self.streams = Gauge("voxguard_streams", "Live connections.", registry=self.registry)
        self.restarts = Gauge(
            "voxguard_worker_restarts", "Workers started anew.", registry=self.registry
        )
        self.clip_seconds = Histogram(
            "voxguard_clip_seconds",
            "Time to anonymize a recording, waiting included.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.push_seconds = Histogram(
            "voxguard_push_seconds",
            "Time to anonymize a live chunk, waiting included.",
            buckets=_LIVE_SECONDS,
            registry=self.registry,
        )

    @contextmanager
    def timed(self, histogram: Histogram) -> Iterator[None]:
        """Time what succeeds."""
        start = perf_counter()
        yield
        histogram.observe(perf_counter() - start)

    def text(self) -> bytes:
        """In Prometheus' format."""
        return generate_latest(self.registry)
