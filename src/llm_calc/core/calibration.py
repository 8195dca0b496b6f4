"""Efficiencies: which part of each roof an engine reaches, and what it spends besides.

An efficiency is one physical quantity (a fraction of a peak, a latency, a host time) with a base value, bounds,
and deviations by what it is seen to depend on: the engine, the accelerator's generation, the number format. All
are few and shared: nothing here belongs to one model or one GPU. A key that was never measured has no deviation,
so that it takes the base.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """``value = clip(base x exp(sum of the deviations of all keys), low, high)``.

    ``deviations`` pairs a key (``engine:vllm``, ``generation:hopper``, ``format:fp8``) with a natural logarithm.
    """

    name: str
    base: float
    low: float
    high: float
    deviations: tuple[tuple[str, float], ...] = ()

    @cached_property
    def _by_key(self) -> dict[str, float]:
        return dict(self.deviations)

    def value(self, keys: Iterable[str]) -> float:
        """The efficiency of what the keys describe."""
        exponent = sum(self._by_key.get(key, 0.0) for key in keys)
        return min(self.high, max(self.low, self.base * math.exp(exponent)))


@dataclass(frozen=True, kw_only=True)
class ErrorOfKind:
    """How far off held-out predictions of one kind were: ``errors`` in log ratio, 10th and 90th percentile."""

    kind: str
    measurements: int
    mean_fraction: float
    median_fraction: float
    low_log: float
    high_log: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A fitted set of efficiencies, and how far off it was on groups that the fit had not seen."""

    id: str
    measurements: int
    efficiencies: tuple[Efficiency, ...]
    errors: tuple[ErrorOfKind, ...] = ()
    seen: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, Efficiency]:
        """The efficiencies by their names."""
        return {efficiency.name: efficiency for efficiency in self.efficiencies}

    def value(self, name: str, keys: Iterable[str]) -> float:
        """One efficiency of what the keys describe."""
        return self.by_name[name].value(keys)
