"""Efficiencies: which part of each roof an engine reaches, and what it spends besides.

An efficiency is one physical quantity (a fraction of a peak, a latency, a host time) with a base value, bounds,
and deviations by what it is seen to depend on: the engine, the accelerator's generation, the number format. All
are few and shared: nothing here belongs to one model or one GPU. A key that was never measured has no deviation,
so that it takes the base.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from llm_calc.core.engines import traits_of
from llm_calc.core.formats import NumberFormat
from llm_calc.core.hardware import Gpu
from llm_calc.core.serving.rates import NO_KERNELS, Kernels

_UNIFIED = ("11.0", "12.1", "8.7")
"""Compute capabilities of NVIDIA parts that share their memory with a processor."""
_FORMAT_CLASSES = (
    ("fp8", "fp8"),
    ("int8", "int8"),
    ("int4", "int4"),
    ("nvfp4", "nvfp4"),
    ("mlx-8", "q8_0"),
    ("mlx-6", "q6_k"),
    ("mlx", "q4_0"),
    ("mxfp4", "mxfp4"),
    ("q8", "q8_0"),
    ("q4_0", "q4_0"),
    ("q4_1", "q4_0"),
    ("q5_0", "q4_0"),
    ("q5_1", "q4_0"),
    ("q6", "q6_k"),
    ("q", "q4_k"),
    ("iq", "q4_k"),
    ("tq", "q4_k"),
)
"""Beginnings of format names, and the class of formats whose kernels work alike."""


WIDE_BITS = 16
"""Bits of the numbers that no kernel unpacks."""
_MOST_KNOWN = 8_192
ANY = ""
"""Of whatever is not named."""


def chip_class(gpu: Gpu) -> str:
    """Generation of an accelerator; parts with other memory than the generation's large ones stand apart.

    NVIDIA's compute capability tells them: x.0 (and 10.3) are the parts with stacked memory.
    """
    generation, capability = gpu.generation.removesuffix("-ultra"), gpu.compute_capability or ""
    if capability in _UNIFIED:
        return f"{generation}-unified"
    if (generation == "ampere" and capability != "8.0") or (
        generation == "blackwell" and capability == "12.0"
    ):
        return f"{generation}-workstation"
    return generation


def offset_load(engine: str, load: str) -> str:
    """The kind of load whose runs tell the offsets of another: llama.cpp's kernels know no client, one or many."""
    return "single_stream" if traits_of(engine).load.own_machine else load


def format_class(name: str) -> str:
    """Class of number formats that take the same efficiencies; ``16-bit`` for everything wider than 8 bits."""
    for start, kind in _FORMAT_CLASSES:
        if name.startswith(start):
            return kind
    return "16-bit" if name else ""


def without_class(numbers: NumberFormat) -> bool:
    """Whether numbers of fewer bits take the efficiencies of 16-bit ones, as no class of formats is theirs."""
    return 0 < numbers.element_bits < WIDE_BITS and format_class(numbers.name) == "16-bit"


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
        """The efficiency of what the keys describe, in its own unit: a part of a peak [1], a time [s] or a count [1].

        ``clip(base x exp(sum of deviations), low, high)``.
        Choice: a log-linear model with few shared keys, fitted by ``make calibrate``; errors stand in
        ``docs/accuracy.md``.
        Leaves out: interactions of keys, such as one engine's kernels for one format on one chip.
        """
        exponent = sum(self._by_key.get(key, 0.0) for key in keys)
        return min(self.high, max(self.low, self.base * math.exp(exponent)))

    def scaled(self, factor: float) -> "Efficiency":
        """The same with its base times a factor [1], held within its bounds.

        ``base <- clip(base x factor, low, high)``.
        Definition: what a caller's own calibration does to an efficiency.
        """
        base = min(self.high, max(self.low, self.base * factor))
        return Efficiency(name=self.name, base=base, low=self.low, high=self.high, deviations=self.deviations)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How the time a token of an engine on a class of chips (``pair``) moved from release to release.

    ``points``: days (proleptic ordinals) and ln(time / that of the middle of the measured runs).
    """

    pair: str
    points: tuple[tuple[int, float], ...]

    def factor(self, day: float) -> float:
        """Time a token of a release of this day over that of the middle of the measured runs [1].

        ``exp(y0 + (day - x0) x (y1 - y0) / (x1 - x0))`` between neighbouring points; beyond them as at the last one.
        Choice: one factor for all models and loads of the pair, learned from runs of one setting on several days.
        Leaves out: what a release did to single kernels.
        """
        days, logs = zip(*self.points, strict=True)
        return math.exp(float(np.interp(day, days, logs)))


@dataclass(frozen=True, kw_only=True)
class HeldOutError:
    """How far off predictions of one metric under one kind of load were on groups that the fit had not seen.

    ``low_log`` and ``high_log`` bound the middle 80 % of ln(measured / predicted). ``pair``: of this engine on this
    class of chips alone; ``maker``: on NVIDIA's chips or on all others'; empty: of all.
    """

    load: str
    metric: str
    held_out: str
    measurements: int
    mean_fraction: float
    median_fraction: float
    low_log: float
    high_log: float
    pair: str = ""
    maker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """Steps between looks with few requests in flight and with many.

    ``chip``: class of chips; ``shape`` of a model and ``format`` of its experts (its matrices where it has none), empty
    for all others.
    """

    engine: str
    chip: str
    model: str = ANY
    shape: str = ANY
    format: str = ANY
    few: int
    many: int


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A fitted set of efficiencies for one family of kernels, and how far off it was on unseen groups.

    ``seen``: combinations ``engine/class of chip`` that the fit had measurements of. ``offsets``: pairs of a measured
    stack (engine, GPU, model, formats), load and metric with ln(measured / predicted), shrunk where runs were few.
    ``drifts``: of pairs of which several releases were measured. ``releases``: pairs, with those that sources name.
    ``kernels``: how those of the family work. ``polls``: how often measured servers look for new requests.
    """

    name: str
    fitted_on: str
    measurements: int
    efficiencies: tuple[Efficiency, ...]
    errors: tuple[HeldOutError, ...] = ()
    seen: frozenset[str] = frozenset()
    offsets: tuple[tuple[str, float], ...] = ()
    drifts: tuple[Drift, ...] = ()
    releases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    kernels: Kernels = NO_KERNELS
    polls: tuple[Poll, ...] = ()

    def __hash__(self) -> int:
        """Of what tells fits apart at once: what follows from one can be kept by it."""
        return hash((self.name, self.fitted_on, self.measurements))

    def drift_of(self, pair: str) -> Drift | None:
        """How times of an engine on a class of chips moved [1].

        Definition: the entry of the pair; None where runs of one release only were measured.
        """
        return next((drift for drift in self.drifts if drift.pair == pair), None)

    def offset(self, stack: str, load: str, metric: str) -> float:
        """What this stack took over what the efficiencies say; 1 where it was not measured [1].

        ``exp(offset)``.
        Choice: a mean over the stack's runs times n / (n + 4), so that few of them move little.
        Leaves out: layouts and lengths that differ within the stack.
        """
        return math.exp(self._by_stack.get(f"{stack}|{load}|{metric}", 0.0))

    @cached_property
    def _by_stack(self) -> dict[str, float]:
        return dict(self.offsets)

    @cached_property
    def by_name(self) -> dict[str, Efficiency]:
        """The efficiencies by their names [1, s].

        Definition: names are unique in a calibration.
        """
        return {efficiency.name: efficiency for efficiency in self.efficiencies}

    def value(self, name: str, keys: tuple[str, ...]) -> float:
        """One efficiency of what the keys describe [1, s].

        Definition: :meth:`Efficiency.value` of the efficiency with this name; asked once for each set of keys.
        """
        asked = name, keys
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[asked] = self.by_name[name].value(keys)
        return found

    @cached_property
    def _known(self) -> dict[tuple[str, tuple[str, ...]], float]:
        return {}
