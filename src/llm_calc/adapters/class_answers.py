"""What each class of requests saw, and how many of them kept their targets."""

from collections.abc import Iterator

import numpy as np

from llm_calc.adapters.wire.lengths import TargetsPart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ClassAnswer, Percentiles, PercentilesOfRun
from llm_calc.adapters.wire.workload_rules import has_targets
from llm_calc.core.arrays import FloatArray
from llm_calc.core.planning.targets import Targets
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.host import SLOT_REQUESTS
from llm_calc.core.serving.traffic import OPEN_REQUESTS, PERCENTILES
from llm_calc.core.workloads.estimate import Found
from llm_calc.core.workloads.turns import Seen

ALL = "all"


def as_targets(part: TargetsPart | None, share: float = 1.0) -> Targets:
    """What a class is to keep, as the core takes it."""
    stated = {} if part is None else part.model_dump(exclude_none=True)
    return Targets(share_fraction=share, **stated)


def targets_of(workload: WorkloadPart) -> list[Targets]:
    """Those of each class, the workload's where a class has none of its own."""
    kinds = workload.classes
    if not kinds:
        return [as_targets(workload.targets)]
    return [as_targets(each.targets or workload.targets, each.share) for each in kinds]


def class_answers(workload: WorkloadPart, found: Found, requests_per_s: float) -> list[ClassAnswer]:
    """A row a class; one for all where the workload names none."""
    return list(_rows(workload, found.seen, requests_per_s))


def only_class(
    workload: WorkloadPart, found: Estimate, percentiles: PercentilesOfRun | None
) -> list[ClassAnswer]:
    """The row of a single class of equal requests, which are all there is; without a class, where it has targets."""
    kinds = [(each.name, each.targets or workload.targets) for each in workload.classes or ()]
    if not kinds and workload.targets is not None:
        kinds = [(ALL, workload.targets)]
    requests = OPEN_REQUESTS if workload.load == "request_rate" else workload.requests_in_flight
    several = SLOT_REQUESTS if percentiles and workload.load == "concurrency" else 1
    return [
        _alike(name, targets, workload, found, percentiles, requests * several) for name, targets in kinds
    ]


def _alike(
    name: str,
    targets: TargetsPart | None,
    workload: WorkloadPart,
    found: Estimate,
    percentiles: PercentilesOfRun | None,
    requests: int,
) -> ClassAnswer:
    good = None if targets is None else as_targets(targets).kept_fraction(*_each(found, workload))
    return ClassAnswer(
        name=name,
        requests=requests,
        requests_per_s=float(found.requests_per_s),
        input_tokens=workload.mean_input_tokens,
        output_tokens=workload.mean_output_tokens,
        ttft_s=float(found.ttft_s),
        tpot_s=float(found.tpot_s) if workload.mean_output_tokens > 1 else None,
        request_latency_s=float(found.request_latency_s),
        percentiles=percentiles,
        targets_kept_fraction=good,
        goodput_requests_per_s=None if good is None else good * float(found.requests_per_s),
    )


def _each(found: Estimate, workload: WorkloadPart) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What each request saw; in closed form all the same."""
    own, further = found.each, workload.mean_output_tokens > 1
    if own.known:
        return own.ttft_s, own.tpot_s if further else np.zeros_like(own.ttft_s), own.latency_s
    tpot = found.tpot_s if further else 0.0
    first, each, whole = (np.atleast_1d(float(one)) for one in (found.ttft_s, tpot, found.request_latency_s))
    return first, each, whole


def _rows(workload: WorkloadPart, seen: Seen, requests_per_s: float) -> Iterator[ClassAnswer]:
    if not (workload.varies or has_targets(workload) or workload.classes):
        return
    kinds = workload.classes or ()
    names = [(part.name, part.share, part.targets or workload.targets) for part in kinds]
    for number, (name, share, targets) in enumerate(names or [(ALL, 1.0, workload.targets)]):
        yield _row(name, targets, seen, seen.kind == number, share * requests_per_s)


def _row(
    name: str,
    targets: TargetsPart | None,
    seen: Seen,
    chosen: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
    requests_per_s: float,
) -> ClassAnswer:
    first, each, whole = seen.ttft_s[chosen], seen.tpot_s[chosen], seen.latency_s[chosen]
    known = each[~np.isnan(each)]
    good = None if targets is None else as_targets(targets).kept_fraction(first, each, whole)
    return ClassAnswer(
        name=name,
        requests=int(chosen.sum()),
        requests_per_s=requests_per_s,
        input_tokens=_mean(seen.prompt_tokens[chosen]),
        output_tokens=_mean(seen.output_tokens[chosen]),
        ttft_s=_mean(first),
        tpot_s=_mean(known),
        request_latency_s=_mean(whole),
        percentiles=None
        if not len(first)
        else PercentilesOfRun(
            ttft_s=_percentiles(first), tpot_s=_percentiles(known), request_latency_s=_percentiles(whole)
        ),
        targets_kept_fraction=good,
        goodput_requests_per_s=None if good is None else good * requests_per_s,
    )


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if len(values) else None


def _percentiles(values: FloatArray) -> Percentiles:
    found = np.percentile(values if len(values) else np.zeros(1), PERCENTILES)
    return Percentiles(p50=float(found[0]), p90=float(found[1]), p95=float(found[2]), p99=float(found[3]))
