"""Memories below the GPU's in a memory plan: from a request to what each takes and holds, and to the answer."""

from collections.abc import Iterator, Sequence

from llm_calc.adapters.hosts import requested_host
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.sessions import bytes_per_token, keeps_prefixes, tier_of
from llm_calc.adapters.wire.memory import MemoryPlanRequest, TierMemory
from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.workloads.held_tiers import (
    ON_HOSTS,
    HeldTier,
    host_warnings,
    least_seconds,
    unheld_warnings,
)


def tiers_held(request: MemoryPlanRequest, planned: Planned) -> Iterator[HeldTier]:
    """What each tier takes and holds.

    Raises:
        UnsupportedError: an engine whose caches of prompts follow other rules.
        InvalidInputError: an engine that keeps no contexts, a tier without a size or speed that could be taken for it.
    """
    if not request.kv_tiers:
        return
    _check(request, planned)
    plan, setup, per_token = planned.plan, planned.subject.setup, bytes_per_token(planned.subject)
    gpus, each = setup.layout.gpus // plan.replicas, max(0, plan.kv_cache_tokens) / plan.replicas
    hosts = int(ceil_div(setup.layout.gpus, request.hardware.gpus_per_node))
    least_s = least_seconds(setup, gpus, half_sums=traits_of(request.engine.name).half_sums)
    for asked in request.kv_tiers:
        yield HeldTier(
            tier=tier_of(asked, setup.gpu, gpus, plan.replicas, per_token, each),
            replicas=plan.replicas,
            bytes_per_token=per_token,
            hosts=hosts if asked.tier in ON_HOSTS else None,
            least_s=least_s,
            context_tokens=planned.asked.context_tokens,
            served=_serves_one(planned),
            default_size=asked.memory_bytes is None,
            stated_rate=asked.bandwidth_bytes_per_s is not None,
        )


def _serves_one(planned: Planned) -> bool:
    """Whether the engine starts and the GPUs hold one request as long as the longest asked for."""
    plan = planned.plan
    room = plan.available_bytes > 0 and float(plan.max_concurrency(planned.asked.context_tokens)) >= 1
    return room and plan.can_start


def _check(request: MemoryPlanRequest, planned: Planned) -> None:
    part = request.engine
    if len({tier.tier for tier in request.kv_tiers}) < len(request.kv_tiers):
        raise InvalidInputError("kv_tiers: each tier may be named once", field="kv_tiers")
    if request.disaggregated is not None:
        msg = "kv_tiers: with disaggregated no memory below the GPU's is followed; leave one of the two out"
        raise InvalidInputError(msg, field="kv_tiers")
    if not traits_of(part.name).load.sessions:
        msg = f"kv_tiers: prompt caches of {part.name} are not modelled; ask for another engine"
        raise UnsupportedError(msg, field="kv_tiers")
    if not keeps_prefixes(part, planned.subject.setup.model) or bytes_per_token(planned.subject) <= 0:
        msg = f"kv_tiers: {part.name} keeps no contexts here; its prefix cache is off, or holds no states"
        raise InvalidInputError(msg, field="kv_tiers")


def tier_memory(held: HeldTier, context_tokens: int) -> TierMemory:
    """The answer of one tier."""
    each = held.bytes_per_host
    return TierMemory(
        tier=held.tier.name,
        memory_bytes=round(held.memory_bytes),
        memory_bytes_per_host=None if each is None else round(each),
        capacity_tokens=int(held.tokens),
        sequences=int(held.tokens // context_tokens),
        bandwidth_bytes_per_s=held.tier.tokens_per_s * held.bytes_per_token,
        read_s_per_token=held.read_s,
        compute_s_per_token_at_least=held.least_s,
        pays=held.pays,
    )


def tier_warnings(request: MemoryPlanRequest, planned: Planned, tiers: Sequence[HeldTier]) -> Iterator[str]:
    """Where a host has too little memory for its part, and where nothing comes back from a tier."""
    setup, host = planned.subject.setup, request.hardware.host
    stated = host is not None and host.memory_bytes is not None
    for held in tiers:
        has = requested_host(host, setup.gpu).memory_bytes
        yield from unheld_warnings(held)
        yield from host_warnings(held, setup, has, stated=stated)
