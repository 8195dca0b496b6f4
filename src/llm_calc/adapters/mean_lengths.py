"""Mean lengths of a request's load as the core takes them, and where they are not those that were stated."""

from collections.abc import Iterator

from llm_calc.adapters.lengths import draw_of
from llm_calc.adapters.wire.lengths import ClassPart, LengthPart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.serving.batch import Lengths


def lengths_of(workload: WorkloadPart) -> Lengths:
    """Tokens of a request."""
    return Lengths(
        input_tokens=float(workload.mean_input_tokens),
        output_tokens=float(workload.mean_output_tokens),
        cached_fraction=workload.cached_fraction,
    )


UNSEEN = 0.005
"""Part of a mean by which the drawn one may differ unsaid: half of what a hundredth rounds to."""


def cut_words(workload: WorkloadPart) -> Iterator[str]:
    """Where bounds, or the end of an endless tail, move the mean of a distribution."""
    for number, kind in enumerate(workload.classes or (workload,)):
        where = f"classes.{number}." if isinstance(kind, ClassPart) else ""
        for name in ("input_tokens", "output_tokens"):
            length = getattr(kind, name)
            if isinstance(length, LengthPart) and length.mean is not None:
                yield from _moved(f"workload.{where}{name}", length, length.mean)


def _moved(where: str, length: LengthPart, stated: float) -> Iterator[str]:
    drawn = draw_of(length)
    if abs(drawn.mean - stated) > UNSEEN * stated:
        yield (
            f"{where}: lengths are drawn with a mean of {drawn.mean:.6g} tokens where {stated:g} is stated, since what "
            f"lies below {drawn.values[0]:.6g} or above {drawn.most:.6g} becomes that"
        )
