"""Memories below the GPU's in a memory plan: what each takes and holds, and whether it pays where that can be said."""

from collections.abc import Iterator

from llm_calc.adapters.hosts import requested_host
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.sessions import bytes_per_token, keeps_prefixes, tier_of
from llm_calc.adapters.wire.memory import MemoryPlanRequest, TierMemory
from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.setup import Setup
from llm_calc.core.errors import CalcError, InvalidInputError, UnsupportedError
from llm_calc.core.model import Model

ON_HOSTS = ("host", "disk")
"""Tiers that each host has of its own; a store is one for all."""
NOT_OF_A_PROMPT = ("embedding", "lm_head", "vision")
"""Parts whose weights no token of a prompt is multiplied with: it is looked up, and answers begin at its last alone."""
FLOPS_A_PARAMETER = 2.0
"""Of one token, forward: a multiplication and an addition."""


def check_memory_tiers(request: MemoryPlanRequest) -> None:
    """Refuses tiers beside which an estimate would be refused.

    Raises:
        InvalidInputError: one is named twice, or stands beside prefill and decode apart.
    """
    if len({tier.tier for tier in request.kv_tiers}) < len(request.kv_tiers):
        raise InvalidInputError("kv_tiers: each tier may be named once", field="kv_tiers")
    if request.kv_tiers and request.disaggregated is not None:
        msg = "kv_tiers: with disaggregated nothing is kept between prompts; leave one of the two out"
        raise InvalidInputError(msg, field="kv_tiers")


def tiers_held(request: MemoryPlanRequest, planned: Planned) -> Iterator[TierMemory]:
    """What each tier takes and holds.

    Raises:
        UnsupportedError: an engine whose caches of prompts follow other rules.
        InvalidInputError: an engine that keeps no contexts, a tier without a size or speed that could be taken for it.
    """
    if not request.kv_tiers:
        return
    check_memory_tiers(request)
    _check_kept(request, planned)
    plan, setup, per_token = planned.plan, planned.subject.setup, bytes_per_token(planned.subject)
    gpus, each = setup.layout.gpus // plan.replicas, plan.kv_cache_tokens / plan.replicas
    hosts = int(ceil_div(setup.layout.gpus, request.hardware.gpus_per_node))
    least_s = _least_seconds(setup, gpus)
    for asked in request.kv_tiers:
        tier = tier_of(asked, setup.gpu, gpus, plan.replicas, per_token, each)
        whole = tier.capacity_tokens * plan.replicas
        read_s = 1 / tier.tokens_per_s
        yield TierMemory(
            tier=asked.tier,
            memory_bytes=round(whole * per_token),
            memory_bytes_per_host=round(whole * per_token / hosts) if asked.tier in ON_HOSTS else None,
            capacity_tokens=int(whole),
            sequences=int(whole // planned.asked.context_tokens),
            bandwidth_bytes_per_s=tier.tokens_per_s * per_token,
            read_s_per_token=read_s,
            compute_s_per_token_at_least=least_s,
            pays=True if least_s is not None and read_s < least_s else None,
        )


def _check_kept(request: MemoryPlanRequest, planned: Planned) -> None:
    part, setup = request.engine, planned.subject.setup
    if not traits_of(part.name).load.sessions:
        msg = f"kv_tiers: prompt caches of {part.name} are not modelled; leave them out, or ask for another engine"
        raise UnsupportedError(msg, field="kv_tiers")
    if not keeps_prefixes(part, setup.model) or bytes_per_token(planned.subject) <= 0:
        msg = f"kv_tiers: {part.name} keeps no contexts here; its prefix cache is off, or holds no states"
        raise InvalidInputError(msg, field="kv_tiers")


def _least_seconds(setup: Setup, gpus: int) -> float | None:
    """Least time of computing a token of a prompt: its multiplications at the GPUs' peak [s]; None: no peak is known.

    ``2 x active parameters / (GPUs x peak)``, without embedding, head, towers and attention to what came before.
    """
    try:
        numbers = setup.numbers
        peak = setup.gpu.peak_flops_per_s(numbers.recipe.default.compute or numbers.activations.name)
    except CalcError:
        return None
    return FLOPS_A_PARAMETER * _multiplied(setup.model) / (gpus * peak)


def _multiplied(model: Model) -> float:
    """Parameters that a token of a prompt is multiplied with."""
    weights = (each for each in model.placed if each.weight.component not in NOT_OF_A_PROMPT)
    return float(sum(each.stored * each.weight.active_params for each in weights))


def tier_words(request: MemoryPlanRequest, tiers: list[TierMemory]) -> Iterator[str]:
    """What was taken for granted of them, and what they pay."""
    for asked, tier in zip(request.kv_tiers, tiers, strict=True):
        if asked.memory_bytes is None:
            yield f"kv_tiers.{tier.tier}: {tier.memory_bytes / 1e9:.3g} GB in all, twice the KV cache of the GPUs"
        times = f"a token is read back in {1e6 * tier.read_s_per_token:.3g} us"
        least = tier.compute_s_per_token_at_least
        if least is None:
            yield f"kv_tiers.{tier.tier}: {times}; whether that pays, /api/serving_estimate says"
        elif tier.pays:
            yield (
                f"kv_tiers.{tier.tier}: {times} and computed in {1e6 * least:.3g} us at least, at the GPUs' peak: it "
                "pays wherever contexts come back"
            )
        else:
            yield (
                f"kv_tiers.{tier.tier}: {times} and computed in {1e6 * least:.3g} us at the GPUs' peak, which no "
                "server reaches; whether it pays, /api/serving_estimate says of sessions"
            )


def tier_warnings(request: MemoryPlanRequest, planned: Planned, tiers: list[TierMemory]) -> Iterator[str]:
    """Where a host has less memory than its part of a tier, or shares it with the GPU."""
    gpu = planned.subject.setup.gpu
    for tier in tiers:
        if tier.tier != "host" or tier.memory_bytes_per_host is None:
            continue
        if gpu.unified_memory:
            yield f"kv_tiers.host: {gpu.id} shares the machine's memory; what the tier takes is missing for the GPU"
            continue
        host = requested_host(request.hardware.host, gpu)
        said = "stated" if request.hardware.host and request.hardware.host.memory_bytes else "taken"
        if tier.memory_bytes_per_host > host.memory_bytes:
            yield (
                f"kv_tiers.host: takes {tier.memory_bytes_per_host / 1e9:.4g} GB of each host, which is {said} to have "
                f"{host.memory_bytes / 1e9:.4g} GB (hardware.host.memory_bytes)"
            )
