"""What operators scrape: how many, how long, how full. No label can hold anything about a person or a message.

Source: Prometheus text format 0.0.4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hub.enforcement import Enforcement

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 35.0)


@dataclass(slots=True)
class Metrics:
    """The figures of one process."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    request_seconds: Histogram = field(init=False)
    problems: Counter = field(init=False)
    bodies_in_flight: Gauge = field(init=False)
    log_size: Gauge = field(init=False)
    contradicted: Gauge = field(init=False)
    clock_difference: Gauge = field(init=False)
    sweeps: Counter = field(init=False)
    contradicted_measures: Counter = field(init=False)
    _requests_children: dict[tuple[str, str, int], Counter] = field(default_factory=dict, init=False)
    _seconds_children: dict[str, Histogram] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        registry = self.registry
        self.requests = Counter(
            "ketenhub_requests", "Requests answered", ["route", "method", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "ketenhub_request_seconds", "Time to answer", ["route"], registry=registry, buckets=_SECONDS
        )
        self.problems = Counter("ketenhub_problems", "Problems answered, by code", ["code"], registry=registry)
        self.bodies_in_flight = Gauge("ketenhub_bodies_bytes", "Bytes of bodies held now", registry=registry)
        self.log_size = Gauge("ketenhub_log_size", "Entries of the log this process knows of", registry=registry)
        self.contradicted = Gauge(
            "ketenhub_log_contradicted", "1 if the log contradicted itself: nothing is accepted", registry=registry
        )
        self.contradicted_measures = Counter(
            "ketenhub_measures_contradicted", "Measure statements that contradict another", registry=registry
        )
        self.clock_difference = Gauge(
            "ketenhub_clock_difference_seconds",
            "How far the hub's clock was ahead of its database's when they were last compared",
            registry=registry,
        )
        self.sweeps = Counter("ketenhub_swept", "What sweeps took away", ["kind"], registry=registry)

    def show_enforcement(self, read: Callable[[], tuple[Enforcement, int]]) -> None:
        """Show whether the decisions are on, as read at each scrape: what is known of it, and how many canaries."""
        self.registry.register(_EnforcementCollector(read))

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer; the labels' children are kept, they are asked for on every request."""
        key = (route, method, status)
        child = self._requests_children.get(key)
        if child is None:
            child = self._requests_children[key] = self.requests.labels(route, method, str(status))
        child.inc()
        timer = self._seconds_children.get(route)
        if timer is None:
            timer = self._seconds_children[route] = self.request_seconds.labels(route)
        timer.observe(seconds)

    def page(self) -> tuple[bytes, str]:
        """Return the page and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST


class _EnforcementCollector(Collector):
    """Shows what the whole hub knows, not this process alone: it stands in the database."""

    def __init__(self, read: Callable[[], tuple[Enforcement, int]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Read what is known now."""
        enforcement, canaries = self._read()
        yield GaugeMetricFamily(
            "ketenhub_enforcement_stopped",
            "1 if a canary's message would have been accepted: nothing is accepted or released",
            value=int(enforcement.stop is not None),
        )
        yield GaugeMetricFamily("ketenhub_canaries", "Canaries that are admitted and in force", value=canaries)
        yield GaugeMetricFamily(
            "ketenhub_enforcement_proved_timestamp_seconds",
            "When a canary was last refused by the decision; 0: never",
            value=enforcement.proved_at or 0,
        )
        refused = CounterMetricFamily(
            "ketenhub_canaries_refused", "Messages of canaries refused for a reason", labels=["reason"]
        )
        for each in enforcement.proved:
            refused.add_metric([each.reason], each.times)
        yield refused
