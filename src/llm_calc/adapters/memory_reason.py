"""Why a plan of memory holds what is asked, or does not, in one sentence with the numbers that decide."""

from llm_calc.adapters.units import gib
from llm_calc.core.advice.memory import sequences_text
from llm_calc.core.deployments.question import Asked, prompt_text, replica_sequences, sequence_bytes
from llm_calc.core.engines import GpuBudget, MemoryPlan, Pool
from llm_calc.core.engines.places import HostBudget


def memory_reason(plan: MemoryPlan, asked: Asked, *, fits: bool) -> str:
    """One sentence with the numbers of what decides."""
    if plan.available_bytes <= 0:
        return shortage_text(plan.budget, plan.host)
    if plan.refusals:
        return "; ".join(plan.refusals)
    if plan.host is not None and not plan.host.fits:
        needed, there = gib(plan.host.needed_bytes), gib(plan.host.memory_bytes or 0.0)
        return f"{needed:.2f} GiB would lie in the host's memory of {there:.2f} GiB: this does not fit"
    context, sequences = asked.context_tokens, asked.sequences
    if context > plan.max_model_len_tokens:
        return f"requests of {context} tokens are longer than the engine's context of {plan.max_model_len_tokens}"
    if not plan.limits.takes(asked.prompt_tokens):
        return prompt_text(plan, asked.prompt_tokens)
    if not plan.can_start and plan.must_hold_one:
        context, sequences = plan.max_model_len_tokens, 1
    shown = Asked(sequences=sequences, context_tokens=context)
    most = int(plan.max_concurrency(context)) if plan.pools else asked.sequences
    verdict = "this fits" if fits else "this does not fit"
    decides = f"{_taken(plan, shown, fits=fits)}: {verdict}; memory holds {most} of that length at once"
    return decides + _unstarted(plan, fits=fits)


def _taken(plan: MemoryPlan, asked: Asked, *, fits: bool) -> str:
    """What is asked of the memory for it; where it does not fit, of the pool that is full first."""
    context, each = asked.context_tokens, replica_sequences(plan, asked)
    who = f"{sequences_text(asked.sequences, context)} {'takes' if asked.sequences == 1 else 'take'}"
    need, there = each * sequence_bytes(plan, context), plan.available_bytes
    if len(plan.pools) < 2 or fits:
        return f"{who} {gib(need):.2f} GiB of the {gib(there):.2f} GiB that each GPU has for the KV cache"
    pool = min(plan.pools, key=lambda each: float(each.sequences(context)))
    return f"{who} {_of_pool(plan, pool, each, context)}"


def _of_pool(plan: MemoryPlan, pool: Pool, sequences: int, context: int) -> str:
    """What so many sequences of a replica take of a pool; of recurrent states the slots are counted."""
    need, there = gib(sequences * float(pool.sequence_bytes(context))), gib(pool.capacity_bytes)
    whose = "each replica's" if plan.replicas > 1 else "the"
    if pool.name != "state":
        return f"{need:.2f} GiB of the {there:.2f} GiB in {whose} pool of {pool.name} layers"
    slot = float(pool.sequence_bytes(context)) / pool.slots_a_request
    have = int(pool.capacity_bytes / slot + 1e-9)
    return (
        f"{sequences * pool.slots_a_request} of {whose} {have} slots of recurrent state, {pool.slots_a_request} a "
        f"sequence ({need:.2f} GiB of {there:.2f} GiB)"
    )


def _unstarted(plan: MemoryPlan, *, fits: bool) -> str:
    """Why the engine does not start though what is asked fits."""
    if not fits or plan.starts:
        return ""
    default = plan.max_model_len_tokens
    need, there = gib(sequence_bytes(plan, default)), gib(plan.available_bytes)
    return (
        f"; the engine does not start with its default context of {default} tokens, of which one sequence takes "
        f"{need:.2f} GiB of the {there:.2f} GiB; state a shorter one"
    )


def shortage_text(budget: GpuBudget, host: HostBudget | None) -> str:
    """What is needed where the fixed parts alone exceed the memory, and what is there."""
    fixed = budget.weights_bytes + budget.activation_peak_bytes + budget.framework_bytes
    parts = (
        f"weights of {gib(budget.weights_bytes):.2f} GiB, an activation peak of "
        f"{gib(budget.activation_peak_bytes):.2f} GiB and {gib(budget.framework_bytes):.2f} GiB of the framework"
    )
    shared = budget.memory_bytes - budget.usable_bytes
    if host is not None and shared > 0:
        total, kept = gib(fixed + shared), gib(shared)
        left = f"the system leaves the GPU {gib(budget.memory_bytes):.2f} GiB"
        return f"{parts} and {kept:.2f} GiB that the processor keeps take {total:.2f} GiB; {left}"
    return f"{parts} take {gib(fixed):.2f} GiB; {gib(budget.usable_bytes):.2f} GiB are usable on each GPU"
