"""What plans are held to: limits, and targets of requests that so many have to keep; what is said of these."""

import math
from collections.abc import Iterator, Sequence

from llm_calc.adapters.class_answers import targets_of
from llm_calc.adapters.planning.choices import MOST_GPUS
from llm_calc.adapters.wire.limits import LimitsPart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ClassAnswer
from llm_calc.adapters.wire.workload_rules import has_targets
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.planning.bounds import Limits

FIELD = "limits.targets_kept_fraction"


def limits_of(part: LimitsPart) -> Limits:
    """The limits, without what nothing is said of."""
    return Limits(
        ttft_s=part.ttft_s or math.inf,
        tpot_s=part.tpot_s or math.inf,
        request_latency_s=part.request_latency_s or math.inf,
        gpus=part.max_gpus or MOST_GPUS,
        usd_per_hour=part.usd_per_hour or math.inf,
    )


def check_targets(workload: WorkloadPart, limits: LimitsPart) -> None:
    """Refuses a limit on what nothing says.

    Raises:
        InvalidInputError: a part of requests has to keep targets, and none has any.
    """
    if limits.targets_kept_fraction is not None and not has_targets(workload):
        msg = f"{FIELD}: needs workload.targets, or targets of a class, that requests are to keep"
        raise InvalidInputError(msg, field=FIELD)


def targets_words(workload: WorkloadPart, kept_fraction: float | None) -> Iterator[str]:
    """What targets do in plans."""
    if not has_targets(workload):
        return
    if kept_fraction is None:
        yield (
            f"workload.targets: hold no plan back; its classes say how many requests keep them, and {FIELD} is the "
            "least part that has to"
        )
        return
    yield (
        f"{FIELD}: of every class that has targets {kept_fraction:g} or more of the requests of one simulated run keep "
        "all of them; bounds know of means alone"
    )


def unchecked_words(
    kept_fraction: float, workload: WorkloadPart, engine: str, classes: Sequence[ClassAnswer]
) -> Iterator[str]:
    """Classes of which nothing could be counted, and such of which all requests are alike."""
    if not kept_fraction:
        return
    held = [each for each, own in zip(classes, targets_of(workload), strict=True) if own.given]
    if unseen := [each.name for each in held if each.targets_kept_fraction is None]:
        yield f"{FIELD}: the run saw no request of {', '.join(unseen)}, of which nothing was checked"
    if any(each.percentiles is None and each.targets_kept_fraction is not None for each in held):
        yield (
            f"{FIELD}: times of {engine} under this load are closed forms of equal requests, which keep targets all or "
            "not at all"
        )
