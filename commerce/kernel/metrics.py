"""Prometheus metrics: each module makes its own, once, at import."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

TYPE = CONTENT_TYPE_LATEST

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def counter(name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
    return Counter(name, help_text, labels)


def gauge(name: str, help_text: str, labels: Sequence[str] = ()) -> Gauge:
    return Gauge(name, help_text, labels)


def histogram(name: str, help_text: str, labels: Sequence[str] = ()) -> Histogram:
    return Histogram(name, help_text, labels, buckets=LATENCY_BUCKETS)


def exposition() -> bytes:
    """All metrics in the text format."""
    return generate_latest(REGISTRY)
