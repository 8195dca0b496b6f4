"""What a stated least speed does to the choice of the best quantization."""

from collections.abc import Iterator

from llm_calc.adapters.wire.fitting import FitRow

GOOD_BITS = 4.0
"""Fewer bits a weight cost noticeably more quality, so that layers go to the host first."""


def best_words(least: float) -> str:
    """The rule by which the best is chosen."""
    return (
        f"best: of what gives {least:g} tokens a second (least_tokens_per_s) the most bits that lie on the GPU whole; "
        "where none of 4 bits does, the fastest of 4 bits and more, and of fewer bits where those are too slow or "
        "do not fit"
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
