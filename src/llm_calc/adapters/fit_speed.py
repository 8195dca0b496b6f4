"""Which quantization is the best, what a stated least speed does to the choice, and what is faster than it."""

from collections.abc import Iterator
from dataclasses import dataclass

from llm_calc.adapters.wire.fitting import FitRow

GOOD_BITS = 4.0
"""Fewer bits a weight cost noticeably more quality, so that layers go to the host first."""
NEARLY = 0.9
"""Speeds that differ by less than a tenth count as alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One row with what its rank follows from; ``formats``: what is said of its file."""

    row: FitRow
    on_gpu: bool
    bits: float
    cache_bits: float
    tokens_per_s: float
    formats: tuple[str, ...] = ()


def best_place(tried: list[Tried], least: float) -> int | None:
    """The most bits that lie on the GPU whole, with a 16-bit cache if that fits; else the fastest of 4 bits and more.

    Fewer bits where none of those is of use; most bits within a tenth of the fastest. None: nothing gives ``least``.
    """
    useful = [place for place, each in enumerate(tried) if each.row.fits and each.tokens_per_s >= least]
    whole = [place for place in useful if tried[place].on_gpu and tried[place].bits >= GOOD_BITS]
    if whole:
        return min(whole, key=lambda place: (-tried[place].bits, -tried[place].cache_bits))
    good = [place for place in useful if tried[place].bits >= GOOD_BITS] or useful
    fastest = max((tried[place].tokens_per_s for place in good), default=0.0)
    near = [place for place in good if tried[place].tokens_per_s >= NEARLY * fastest]
    return min(near, key=lambda place: (-tried[place].bits, -tried[place].cache_bits), default=None)


def best_words(least: float) -> str:
    """The rule by which the best is chosen."""
    return (
        f"best: of what gives {least:g} tokens a second (least_tokens_per_s) the most bits that lie on the GPU whole, "
        "with the widest cache that does; where none of 4 bits does, the fastest of 4 bits and more (the most bits of "
        "those within a tenth of it), and of fewer bits where those are too slow or do not fit"
    )


def too_slow_words(rows: list[FitRow], best: int | None, least: float) -> Iterator[str]:
    """Why none is the best, or which rows of 4 bits and more the stated speed passed over."""
    fast = max((row.tokens_per_s or 0.0 for row in rows if row.fits), default=None)
    if best is None and fast is not None:
        yield f"least_tokens_per_s: nothing that fits gives {least:g} tokens a second; the fastest gives {fast:.3g}"
    if best is None or rows[best].bits_per_weight >= GOOD_BITS:
        return
    passed = [row for row in rows if row.fits and row.bits_per_weight >= GOOD_BITS]
    if passed:
        most = max(row.tokens_per_s or 0.0 for row in passed)
        yield (
            f"least_tokens_per_s: what fits of 4 bits and more gives at most {most:.3g} tokens a second, below "
            f"{least:g}; the best has fewer bits"
        )


def faster_words(rows: list[FitRow], best: int | None) -> Iterator[str]:
    """Of a best that lies with the host in part: what of fewer bits lies on the GPU whole, and is faster."""
    if best is None or rows[best].where == "gpu":
        return
    now = rows[best].tokens_per_s or 0.0
    whole = [row for row in rows if row.where == "gpu" and (row.tokens_per_s or 0.0) * NEARLY > now]
    if whole:
        most = whole[0]
        yield (
            f"formats: {most.weights} with a {most.kv_cache} cache lies on the GPU whole and gives "
            f"{most.tokens_per_s:.3g} tokens a second instead of {now:.3g}, at {most.bits_per_weight:.2g} bits a weight"
        )
