"""What is said where memory and a timed deployment do not go together."""

import math

from llm_calc.adapters.served import served_capacity
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.deployments.question import Asked, runs
from llm_calc.core.engines import MemoryPlan


def fit_warnings(plan: MemoryPlan, context_tokens: float) -> tuple[str, ...]:
    """Why the engine runs no request of this length, if so."""
    asked = Asked(sequences=1, context_tokens=math.ceil(context_tokens))
    if runs(plan, asked):
        return ()
    words = "by the engine's memory rules this does not fit"
    return (f"hardware: {words} ({_shortage(plan, asked)}); figures hold if it is made to fit",)


def _shortage(plan: MemoryPlan, asked: Asked) -> str:
    """Why the engine does not run a single request."""
    missing = -plan.available_bytes / 2**30
    if missing > 0:
        return f"{missing:.1f} GiB are missing on each GPU"
    if asked.context_tokens > plan.max_model_len_tokens:
        return f"requests of {asked.context_tokens} tokens are longer than its context of {plan.max_model_len_tokens}"
    if plan.refusals:
        return plan.refusals[0]
    if not plan.can_start:
        return f"it does not start with a context of {plan.max_model_len_tokens} tokens"
    return "no request of this length fits"


def room_warnings(
    plan: MemoryPlan, context_tokens: float, workload: WorkloadPart, replicas: int
) -> tuple[str, ...]:
    """Where more requests come than the engine's memory rules leave room for, and the cache is taken to be larger."""
    asked = Asked(sequences=1, context_tokens=math.ceil(context_tokens))
    planned, taken = float(plan.sequences(context_tokens)), float(served_capacity(plan, context_tokens))
    counted = workload.load in ("concurrency", "batch")
    enough = counted and workload.requests_in_flight <= planned * replicas
    if enough or taken <= planned * (1 + 1e-9) or not runs(plan, asked):
        return ()
    planned_words = f"by the engine's memory rules the KV cache holds {planned:.1f} requests of this length"
    return (f"hardware: {planned_words}; figures take {taken:.1f}, the least that was seen in measurements",)
