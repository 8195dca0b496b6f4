"""A load that changes over the day: replicas hour by hour, and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, pi

HOURS = 24
ROUNDING = 1e-9
"""A rate that is a whole number of replicas' rates needs no further one for the last digit of a division."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Requests that come in each hour, and replicas that run beside those that are needed.

    Rates are in requests a second; ``planned_peak_per_s``: the load that replicas are found for, where no hour is
    quite at the peak; ``spare_replicas``: as many may fail without a limit being broken.
    """

    rates_per_s: tuple[float, ...]
    planned_peak_per_s: float = 0.0
    spare_replicas: int = 1

    @property
    def peak_per_s(self) -> float:
        """The most that comes in any hour [requests/s].

        Definition: the largest rate, or the one that replicas are found for.
        """
        return max(self.planned_peak_per_s, *self.rates_per_s)


def wave(peak_per_s: float, trough_fraction: float, peak_hour: float) -> tuple[float, ...]:
    """Rates of 24 hours that rise and fall once a day [requests/s].

    ``peak x (trough + (1 - trough) x (1 + cos(2 pi (hour - peak hour) / 24)) / 2)``.
    Choice: a cosine, for whoever knows the highest and the lowest load alone; hours of a real day are better.
    Leaves out: bursts within an hour beyond those of random arrivals, weekends.
    """
    turns = (2 * pi * (hour - peak_hour) / HOURS for hour in range(HOURS))
    return tuple(peak_per_s * (trough_fraction + (1 - trough_fraction) * (1 + cos(at)) / 2) for at in turns)


def replicas_by_hour(day: Day, each_per_s: float) -> tuple[int, ...]:
    """Replicas that run in each hour [replicas].

    ``max(1, ceil(rate / rate of one)) + spare``.
    Choice: one replica at least is kept, so that the first request of an hour is answered.
    Leaves out: the time that a replica needs to start, during which those before it have more to do.
    """
    needed = (max(1, ceil(rate / each_per_s - ROUNDING)) for rate in day.rates_per_s)
    return tuple(count + day.spare_replicas for count in needed)


def day_usd(replicas: Sequence[int], usd_per_replica_hour: float) -> tuple[float, float]:
    """Rent of a day with as many replicas as each hour needs, and with as many as the peak all day [USD].

    ``price x sum of replicas`` and ``price x 24 x most replicas``.
    Definition: replicas are paid for by the hour.
    """
    return sum(replicas) * usd_per_replica_hour, max(replicas) * len(replicas) * usd_per_replica_hour
