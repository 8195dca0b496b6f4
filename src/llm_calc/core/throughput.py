"""The flat roofline: one efficiency factor under the compute roof, the memory roof as it is.

This is the simple, documented model: an upper bound that no engine reaches in decode. Measured performance,
with efficiencies by operator, stands in ``serving``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Literal

from llm_calc.core.arrays import Quantity, larger

Bound = Literal["compute", "memory", "compute_only"]
_SURELY = 1 + 1e-9
"""Beyond what rounding makes of a comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofs:
    """What the hardware offers to one step.

    ``flops_per_s``: dense peak of one GPU. ``bytes_per_s``: its memory bandwidth, None if unknown.
    ``efficiency_fraction``: reachable part of the compute peak, in (0, 1]. ``gpus``: GPUs that work on the same
    step at once (those of one pipeline stage).
    """

    flops_per_s: Quantity
    bytes_per_s: Quantity | None
    efficiency_fraction: float
    gpus: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of one pass, and how they come about."""

    seconds: Quantity
    compute_s: Quantity
    memory_s: Quantity | None

    @property
    def bound(self) -> Bound:
        """Which roof decides (scalars only)."""
        if self.memory_s is None:
            return "compute_only"
        return "memory" if self.memory_s > self.compute_s else "compute"


def roofline(flops: Quantity, bytes_per_gpu: Quantity, roofs: Roofs) -> Timing:
    """Time of a pass under the compute and the memory roof [s].

    ``max(FLOPs / (gpus x efficiency x peak), bytes per GPU / bandwidth)``; ``bytes_per_gpu`` is what the fullest GPU
    moves, summed over stages that run one after another.
    Source: the roofline of Williams, Waterman and Patterson 2009 (doi:10.1145/1498765.1498785), as Lawrence Berkeley
    National Laboratory introduces it (crd.lbl.gov, "Roofline"); checked: 2026-11-30.
    Leaves out: communication, launches and every loss of bandwidth. The memory roof itself is never lowered.
    """
    compute_s = flops / (roofs.gpus * roofs.efficiency_fraction * roofs.flops_per_s)
    if roofs.bytes_per_s is None:
        return Timing(seconds=compute_s, compute_s=compute_s, memory_s=None)
    memory_s = bytes_per_gpu / roofs.bytes_per_s
    return Timing(seconds=larger(compute_s, memory_s), compute_s=compute_s, memory_s=memory_s)


@dataclass(frozen=True, slots=True)
class Columns:
    """Peaks [FLOP/s] and bandwidths [bytes/s] of many kinds of GPUs, for one pass on each of them.

    ``widths``: the bandwidths, each once, and ``places``: the one of each GPU; half of the GPUs share theirs.
    ``of_each``: the entries at these places.
    """

    peaks: tuple[float, ...]
    bandwidths: tuple[float, ...]
    rising: tuple[tuple[float, int], ...] = field(init=False)
    widths: tuple[float, ...] = field(init=False)
    places: tuple[int, ...] = field(init=False)
    of_each: Callable[[Sequence[float]], tuple[float, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Order them by the FLOPs a byte at which both roofs take as long."""
        pairs = zip(self.peaks, self.bandwidths, strict=True)
        ridges = sorted((peak / bandwidth, index) for index, (peak, bandwidth) in enumerate(pairs))
        place_of = {width: place for place, width in enumerate(dict.fromkeys(self.bandwidths))}
        object.__setattr__(self, "rising", tuple(ridges))
        object.__setattr__(self, "widths", tuple(place_of))
        places = tuple(place_of[width] for width in self.bandwidths)
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "of_each", itemgetter(*places) if len(places) > 1 else tuple)


def units_per_s_of_each(
    units: float, flops: float, bytes_per_gpu: float, columns: Columns, shared: float
) -> list[float]:
    """How many of the ``units`` of one pass of numbers each of many kinds of GPUs gets done [1/s].

    ``units / max(FLOPs / (shared x peak), bytes per GPU / bandwidth)``, ``shared`` = gpus x efficiency, the same for
    all, and bytes above 0. The memory roof is taken for all bandwidths, then the higher one for those GPUs whose ``peak
    / bandwidth`` is below ``FLOPs / (shared x bytes)``: few in decode, where two hundred numbers take no longer so than
    as arrays.
    Source: as :func:`roofline`; checked: 2026-11-30.
    Leaves out: as :func:`roofline`.
    """
    by_width = [units / (bytes_per_gpu / width) for width in columns.widths]
    rates = list(columns.of_each(by_width))
    memory_alone = flops / (shared * bytes_per_gpu) * _SURELY
    for ridge, index in columns.rising:
        if ridge > memory_alone:
            break
        compute_s = flops / (shared * columns.peaks[index])
        if compute_s > bytes_per_gpu / columns.bandwidths[index]:
            rates[index] = units / compute_s
    return rates
