"""What ``/metrics`` says, in the format of Prometheus: the log, the figures, and how far all around Kafka is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PROGRESS = {
    "head": "Last position of the log",
    "projected": "Last position that the figures hold",
    "lag": "Events that the figures do not hold yet",
    "lag_seconds": "Age of the oldest event that the figures do not hold",
    "blocked": "Events that could not be applied",
}
INBOX = {
    "lag": "Messages of the inbox that are not taken yet, as the intake last saw its end",
    "stopped": "1 while a partition is stopped by an alarm",
}
COUNTED = {
    "received": "Messages taken from the inbox: accepted, duplicates, refused and conflicts",
    "accepted": "Messages whose event is new in the log",
    "duplicates": "Messages whose event the log held already",
    "refused": "Messages refused and kept with their reasons",
    "conflicts": "Messages with other content under a known id",
    "fenced": "Transactions of replaced consumers that were taken back",
    "lost": "Offsets that went unread, conceded by an operator",
}
LOG = {
    "reached": "Position up to which projectors have read a partition of the log; stands while nobody reads Kafka's",
    "lag": "Positions of the log behind that",
}


def exposition(progress: dict[str, Any], kafka: dict[str, Any]) -> bytes:
    """The text; ``progress`` is that of the figures, ``kafka`` the status of intake and relay."""
    registry = CollectorRegistry()
    of_kafka = (*_of_inbox(kafka["inbox"]), *_of_relay(kafka), *_of_log(kafka["log"]))
    registry.register(_Snapshot([*_of_progress(progress), *of_kafka]))
    return generate_latest(registry)


class _Snapshot(Collector):
    """Metrics that were read from the database, not counted in this process."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_progress(progress: dict[str, Any]) -> Iterator[Metric]:
    for name, text in PROGRESS.items():
        yield GaugeMetricFamily(f"vertikal_{name}", text, value=progress[name])


def _of_inbox(partitions: list[dict[str, Any]]) -> Iterator[Metric]:
    now = [{**each, "stopped": int(bool(each["stopped"]))} for each in partitions]
    yield from _by_partition(GaugeMetricFamily, "vertikal_kafka_inbox", INBOX, now)
    yield from _by_partition(CounterMetricFamily, "vertikal_kafka_inbox", COUNTED, now)


def _of_log(partitions: list[dict[str, Any]]) -> Iterator[Metric]:
    yield from _by_partition(GaugeMetricFamily, "vertikal_kafka_log", LOG, partitions)


def _by_partition(
    kind: type[GaugeMetricFamily | CounterMetricFamily],
    prefix: str,
    texts: dict[str, str],
    partitions: list[dict[str, Any]],
) -> Iterator[Metric]:
    for name, text in texts.items():
        metric = kind(f"{prefix}_{name}", text, labels=["partition"])
        for each in partitions:
            metric.add_metric([str(each["partition"])], each[name])
        yield metric


def _of_relay(kafka: dict[str, Any]) -> Iterator[Metric]:
    relay = kafka["relay"]
    yield GaugeMetricFamily("vertikal_kafka_refused_open", "Refused messages that stand", value=kafka["refused_open"])
    yield GaugeMetricFamily("vertikal_kafka_relay_position", "Last position relayed", value=relay["position"])
    yield GaugeMetricFamily("vertikal_kafka_relay_lag", "Positions not relayed yet", value=relay["lag"])
