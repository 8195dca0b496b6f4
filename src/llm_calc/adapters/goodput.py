"""Requests of a plain load, told apart so far as it takes to count those that keep several targets."""

from dataclasses import replace

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.sessions import time_stream
from llm_calc.adapters.wire.lengths import TargetsPart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.serving.estimate import Estimate


def with_joint(placed: Placed, workload: WorkloadPart, found: Estimate) -> Estimate:
    """The same times, those of one request beside each other where several targets have to be kept at once.

    Which requests are late to first tokens and which to further ones, a run of the same load says whose requests are
    told apart; how late they are, the estimate's own.
    """
    if not found.each.known or not _several(workload) or placed.room is None:
        return found
    seen = time_stream(placed, workload).seen
    return replace(found, each=found.each.in_order_of(seen.ttft_s, seen.tpot_s, seen.latency_s))


def _several(workload: WorkloadPart) -> bool:
    """Whether one request has more than one target to keep."""
    own = [workload.targets, *(each.targets for each in workload.classes or ())]
    return any(len(each.model_dump(exclude_none=True)) > 1 for each in own if isinstance(each, TargetsPart))
