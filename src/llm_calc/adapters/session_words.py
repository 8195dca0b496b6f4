"""What an answer to a load of sessions takes for granted, refuses and warns of."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.mean_lengths import cut_words
from llm_calc.adapters.sessions import ARRIVING, SPREAD, bytes_per_token
from llm_calc.adapters.trace_words import room_assumptions, trace_assumptions, trace_warnings
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.adapters.wire.workload_rules import growth_of
from llm_calc.adapters.workload_catalog import preset_of
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.serving.batch import prefill_seconds
from llm_calc.core.workloads.estimate import Found, lengths_seen
from llm_calc.core.workloads.stream import Tier

FEW_HITS = 0.005
"""Part of the prompts [1] below which a tier gives nothing: half of what an answer rounds to a hundredth."""
KEPT = (
    "sessions are at all ages when the run starts, with their contexts in memory as far as there is room; a replica "
    "keeps its sessions"
)
"""How a run of sessions goes on replicas that do both."""
KEPT_APART = (
    "sessions are at all ages when the run starts, with what prefill replicas keep of their prompts as far as there is "
    "room"
)
"""The same where some replicas compute prompts and others answer."""


def check_tiers(request: ServingEstimateRequest) -> None:
    """Refuses memories below the GPU's of a request that keeps nothing in them.

    Raises:
        InvalidInputError: tiers without sessions.
    """
    workload = request.workload
    if not workload.reuses:
        msg = (
            "kv_tiers: they keep contexts for later prompts; give workload.sessions or a trace with hash_ids, or leave "
            "them out"
        )
        raise InvalidInputError(msg, field="kv_tiers")
    if workload.prefix_cache_hit_fraction is not None:
        msg = "kv_tiers: workload.prefix_cache_hit_fraction states what is found; give one of the two"
        raise InvalidInputError(msg, field="kv_tiers")


def session_assumptions(placed: Placed, workload: WorkloadPart, *, apart: bool = False) -> Iterator[str]:
    """What was taken for granted of presets and sessions; ``apart``: prefill and decode, which says so itself."""
    if workload.preset is not None:
        preset = preset_of(workload.preset)
        chosen = f"; no source: {', '.join(preset.chosen)}" if preset.chosen else ""
        yield f"workload.preset: {preset.id}, of {preset.source}{chosen}; {preset.notes}"
    yield from _draws(workload)
    if workload.trace is not None:
        yield from trace_assumptions(placed, workload, apart=apart)
    part, room = workload.sessions, placed.room
    if part is not None and not workload.grows:
        yield "workload.sessions: of one turn and no shared beginning, which are requests by themselves"
    if part is None or room is None or not workload.grows:
        return
    run = KEPT_APART if apart else KEPT
    yield (
        f"workload.sessions: numbers are drawn evenly within {SPREAD:.0%} of what is given, pauses exponentially; "
        f"{run}. Nothing of it was calibrated"
    )
    if part.growth_tokens is None and part.turns > 1:
        kinds = workload.classes or (workload,)
        growth = " and ".join(str(growth_of(kind, part)) for kind in kinds)
        yield f"workload.sessions.growth_tokens: {growth}, as first prompts have beyond the shared beginning"
    yield from room_assumptions(room, "workload.sessions")


def _draws(workload: WorkloadPart) -> Iterator[str]:
    """How users make a rate, and how lengths that vary are drawn."""
    if workload.users is not None:
        yield f"workload.users: they {_made(workload)} a second together, at random"
    if workload.varies:
        yield from cut_words(workload)
    if workload.varies and not workload.grows and workload.trace is None:
        drawn = f"{ARRIVING} random arrivals" if workload.request_rate else "ten requests a slot"
        yield (
            f"workload: one simulated run of {drawn}; lengths are drawn from what is stated by a sequence that is the "
            "same in every run, prompts and answers independently. Nothing of it was calibrated"
        )
        if workload.prefix_cache_hit_fraction:
            yield "workload.prefix_cache_hit_fraction: every prompt finds this share cached"


def _made(workload: WorkloadPart) -> str:
    if workload.sessions is None:
        return f"send {workload.request_rate:g} requests"
    return f"begin {workload.session_rate:g} sessions of {workload.sessions.turns} requests"


def session_warnings(
    placed: Placed, workload: WorkloadPart, found: Found, apart_per_s: float | None = None
) -> Iterator[str]:
    """Where caches do not pay, or more comes than can be served; ``apart_per_s``: the most that two sides serve."""
    kind = "workload.sessions" if workload.grows else "workload"
    yield from trace_warnings(placed, workload, found, apart_per_s)
    intervals = "" if apart_per_s is not None else "; the intervals are those of closed loops"
    yield f"{kind}: loads of this kind were never measured here{intervals}"
    if apart_per_s is None:
        yield from _unheld(placed, workload)
    yield from _slow_tiers(placed, found)
    yield from _slower_first(placed)
    stated, known = workload.prefix_cache_hit_fraction, found.seen.known_fraction
    if workload.grows and stated is not None and stated > known:
        yield (
            f"workload.prefix_cache_hit_fraction: {stated:g} is more than the {known:.3g} of these prompts that some "
            "request before had"
        )
    turns = 1 if workload.sessions is None else workload.sessions.turns
    replicas = placed.replicas if apart_per_s is None else 1
    served = float(found.estimate.requests_per_s) * replicas / turns
    for name, rate in (("session", workload.session_rate), ("request", workload.request_rate)):
        if rate is not None and served < rate * 0.97:
            yield (
                f"workload.{name}_rate: above the {served:.3g} {name}s a second that the deployment can serve; the "
                "queue grows without end"
            )


def _unheld(placed: Placed, workload: WorkloadPart) -> Iterator[str]:
    """That not all sessions that are asked for at once fit in memory at their longest, as a memory plan says."""
    if workload.load != "concurrency" or not workload.grows:
        return
    longest, asked = workload.longest_tokens, workload.requests_in_flight
    held = int(placed.plan.max_concurrency(longest)) * placed.replicas
    if held < asked:
        yield (
            f"workload.concurrency: by the engine's memory rules the KV cache holds {held} requests of {longest} "
            f"tokens, as sessions are at their longest, and not {asked}: a memory plan does not fit; here contexts "
            "that find no room are dropped and computed again, and requests wait"
        )


def tier_assumptions(placed: Placed, workload: WorkloadPart, found: Found) -> Iterator[str]:
    """Of tiers that pay: what a token takes to read and to compute, and what would hold all sessions alive."""
    computed_s = _computed_s(placed, found)
    tiers = placed.room.tiers if placed.room else ()
    for tier, hits in zip(tiers, found.hit_fractions[1:], strict=False):
        if 1 / tier.tokens_per_s <= computed_s:
            times = f"{computed_s * tier.tokens_per_s:.3g} times"
            pays = (
                f"this tier pays, {times}"
                if hits >= FEW_HITS
                else f"it would pay {times}, but nothing is found in it"
            )
            yield f"{_both(tier, computed_s)}: {pays}{_all_sessions(placed, workload, found, tier)}"


def _all_sessions(placed: Placed, workload: WorkloadPart, found: Found, tier: Tier) -> str:
    """What contexts of all sessions alive take at their longest; nothing of a trace, whose requests name none."""
    if not workload.grows:
        return ""
    each = bytes_per_token(placed.subject) * placed.replicas
    needed, has = found.sessions * workload.longest_tokens * each, tier.capacity_tokens * each
    alive = f"{found.sessions * placed.replicas:.0f} sessions alive"
    return f"; contexts of all {alive} take {needed / 1e9:.3g} GB at their longest, and it has {has / 1e9:.3g} GB"


def _slower_first(placed: Placed) -> Iterator[str]:
    """Tiers that are listed before faster ones: what several hold is read from the first of them."""
    tiers = placed.room.tiers if placed.room else ()
    for upper, lower in pairwise(tiers):
        if lower.tokens_per_s > upper.tokens_per_s:
            yield (
                f"kv_tiers: {upper.name} is listed before {lower.name}, which reads "
                f"{lower.tokens_per_s / upper.tokens_per_s:.3g} times as fast; what both hold is read from "
                f"{upper.name}, as listed: give the fastest first"
            )


def _slow_tiers(placed: Placed, found: Found) -> Iterator[str]:
    """Tiers that take longer to read than the prompt would take to compute."""
    computed_s = _computed_s(placed, found)
    for tier in placed.room.tiers if placed.room else ():
        if 1 / tier.tokens_per_s > computed_s:
            yield f"{_both(tier, computed_s)}: this tier does not pay"


def _both(tier: Tier, computed_s: float) -> str:
    return (
        f"kv_tiers.{tier.name}: reading a token back takes {1e6 / tier.tokens_per_s:.3g} us, computing it "
        f"{1e6 * computed_s:.3g} us"
    )


def _computed_s(placed: Placed, found: Found) -> float:
    """Time of one token of a mean prompt that is computed whole [s]."""
    deployment = placed.deployment
    whole = replace(lengths_seen(found.seen), cached_fraction=0.0)
    seconds = float(prefill_seconds(deployment.work, deployment.rates, 1.0, whole))
    return seconds / float(whole.input_tokens)
