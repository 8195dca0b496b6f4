"""Rows of ``/api/memory_plan``: lengths and numbers of requests as arrays; the plan itself depends on neither."""

import numpy as np

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.memory_tiers import tiers_held
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.arrays import FloatArray, Quantity, ceil_div, smaller
from llm_calc.core.deployments.question import whole_concurrency
from llm_calc.core.engines import MemoryPlan
from llm_calc.core.varying import Varying

MEMORY_FIGURES = (
    "fits",
    "headroom_bytes",
    "sequences_that_fit",
    "weights_bytes",
    "activation_peak_bytes",
    "kv_cache_bytes",
    "kv_cache_tokens",
    "max_concurrency",
)
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
LENGTHS = frozenset(("workload.input_tokens", "workload.output_tokens"))


def memory_rows(request: MemoryPlanRequest, changing: Varying, catalogs: Catalogs) -> dict[str, FloatArray]:
    """Figures of rows that share a plan.

    Raises:
        CalcError: the plan cannot be made, or has tiers that it cannot hold contexts in.
    """
    varying = changing.values
    planned = planned_memory(request, catalogs)
    list(tiers_held(request, planned))
    plan, asked, workload = planned.plan, planned.asked, request.workload
    context: Quantity = float(asked.context_tokens)
    longest: Quantity = float(asked.prompt_tokens)
    if workload is not None and not (workload.varies and LENGTHS.isdisjoint(varying)):
        prompt = varying.get("workload.input_tokens", float(workload.mean_input_tokens))
        output = varying.get("workload.output_tokens", float(workload.mean_output_tokens))
        later = _later_turns(workload, prompt, output)
        context, longest = prompt + output + later, prompt + later
    sequences = varying.get("workload.concurrency", varying.get("workload.batch", float(asked.sequences)))
    most = plan.max_concurrency(np.atleast_1d(context)) if plan.pools else whole_limit(plan)
    room = np.asarray(most) * float(plan.available_bytes > 0)
    figures = {
        "fits": (room >= sequences)
        & _taken(plan, longest)
        & (planned.prefill is None or planned.prefill.fits),
        "headroom_bytes": np.round(_headroom(plan, sequences, np.atleast_1d(context))).astype(np.int64),
        "sequences_that_fit": room.astype(np.int64),
        "weights_bytes": round(plan.budget.weights_bytes),
        "activation_peak_bytes": round(plan.budget.activation_peak_bytes),
        "kv_cache_bytes": round(plan.budget.kv_cache_bytes),
        "kv_cache_tokens": plan.kv_cache_tokens if plan.available_bytes > 0 else 0,
        "max_concurrency": round(whole_concurrency(plan), 4),
    }
    return {name: np.broadcast_to(np.asarray(value), changing.rows) for name, value in figures.items()}


def _later_turns(workload: WorkloadPart, prompt: Quantity, output: Quantity) -> Quantity:
    """What the turns of a session after its first add to the context."""
    part = workload.sessions
    if part is None:
        return 0.0
    growth = part.growth_tokens or prompt - part.shared_prefix_tokens
    return (part.turns - 1) * (growth + output)


def _taken(plan: MemoryPlan, prompt_tokens: Quantity) -> Flags:
    """Whether the engine starts and accepts prompts of these lengths."""
    most = plan.limits.max_prompt_tokens
    return np.asarray((most is None or prompt_tokens <= most) & plan.can_start, dtype=bool)


def whole_limit(plan: MemoryPlan) -> FloatArray:
    """Sequences of a model without caches: what the scheduler allows."""
    return np.array([float(plan.limits.max_sequences * plan.replicas)])


def _headroom(plan: MemoryPlan, sequences: Quantity, context: FloatArray) -> Quantity:
    """What the tightest pool has left; the budget's shortage where there is no pool."""
    each = ceil_div(sequences, plan.replicas)
    left: Quantity = np.zeros(1) if not plan.pools else np.full(1, np.inf)
    for pool in plan.pools:
        left = smaller(left, pool.capacity_bytes - each * pool.sequence_bytes(context))
    return left + min(0.0, plan.available_bytes)
