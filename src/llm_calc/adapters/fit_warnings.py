"""What is said where memory and a timed deployment do not go together."""

import math
from dataclasses import replace

from llm_calc.adapters.served import served_capacity
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.deployments.question import Asked, runs
from llm_calc.core.engines import MemoryPlan


def prompt_text(plan: MemoryPlan, prompt_tokens: int) -> str:
    """Why an engine that cuts no prompts refuses one of this length."""
    return (
        f"a prompt of {prompt_tokens} tokens is refused: it exceeds a step of {plan.limits.max_prompt_tokens} "
        "(engine.max_num_tokens), and engine.enable_chunked_prefill, which cuts it, is off"
    )


def fit_warnings(plan: MemoryPlan, context_tokens: float, prompt_tokens: int = 0) -> tuple[str, ...]:
    """Why the engine runs no request of this length, if so."""
    asked = Asked(sequences=1, context_tokens=math.ceil(context_tokens), prompt_tokens=prompt_tokens)
    if runs(plan, asked):
        return ()
    if not plan.limits.takes(prompt_tokens) and runs(plan, replace(asked, prompt_tokens=0)):
        return (f"workload: {prompt_text(plan, prompt_tokens)}; figures hold with it",)
    words = "by the engine's memory rules this does not fit"
    return (f"hardware: {words} ({_shortage(plan, asked)}); figures hold if it is made to fit",)


def _shortage(plan: MemoryPlan, asked: Asked) -> str:
    """Why the engine does not run a single request."""
    missing = -plan.available_bytes / 2**30
    if missing > 0:
        return f"{missing:.1f} GiB are missing on each GPU"
    if asked.context_tokens > plan.max_model_len_tokens:
        return f"requests of {asked.context_tokens} tokens are longer than its context of {plan.max_model_len_tokens}"
    if not plan.limits.takes(asked.prompt_tokens):
        return prompt_text(plan, asked.prompt_tokens)
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
