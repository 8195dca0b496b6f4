"""Memories below the GPU's in a memory plan: from a request to what each takes and holds, and to the answer."""

from collections.abc import Iterator, Sequence

from llm_calc.adapters.hosts import requested_host
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.sessions import bytes_per_token, keeps_prefixes, tier_of
from llm_calc.adapters.wire.memory import MemoryPlanRequest, TierMemory
from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.workloads.held_tiers import ON_HOSTS, HeldTier, host_warnings, least_seconds


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
    gpus, each = setup.layout.gpus // plan.replicas, plan.kv_cache_tokens / plan.replicas
    hosts, least_s = (
        int(ceil_div(setup.layout.gpus, request.hardware.gpus_per_node)),
        least_seconds(setup, gpus),
    )
    for asked in request.kv_tiers:
        yield HeldTier(
            tier=tier_of(asked, setup.gpu, gpus, plan.replicas, per_token, each),
            replicas=plan.replicas,
            bytes_per_token=per_token,
            hosts=hosts if asked.tier in ON_HOSTS else None,
            least_s=least_s,
            default_size=asked.memory_bytes is None,
        )


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
    """Where a host has too little memory for its part."""
    setup, host = planned.subject.setup, request.hardware.host
    stated = host is not None and host.memory_bytes is not None
    for held in tiers:
        has = requested_host(host, setup.gpu).memory_bytes
        yield from host_warnings(held, setup, has, stated=stated)
