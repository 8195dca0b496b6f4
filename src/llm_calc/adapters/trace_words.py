"""What an answer to a trace says, takes for granted and warns of."""

from collections.abc import Iterator

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.sessions import tiers_found
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.traces import BLOCK_TOKENS, TraceAnswer
from llm_calc.adapters.workload_catalog import load_tiers
from llm_calc.core.workloads.estimate import Found, lengths_seen, most_served_per_s
from llm_calc.core.workloads.stream import Room


def trace_answer(
    placed: Placed, workload: WorkloadPart, found: Found, prefills: int | None = None
) -> TraceAnswer | None:
    """What follows for a trace; None where there is none; ``prefills``: replicas that prefill alone."""
    if workload.trace is None or placed.room is None:
        return None
    trace, hits = workload.trace.trace, found.hit_fractions
    return TraceAnswer(
        requests=len(trace.prompts),
        span_s=trace.arrivals_s[-1],
        elapsed_s=found.seen.elapsed_s,
        prompt_tokens=float(found.seen.prompt_tokens.mean()),
        output_tokens=float(found.seen.output_tokens.mean()),
        hit_fraction=sum(hits),
        most_hit_fraction=found.most_hit_fraction or 0.0,
        tiers=list(tiers_found(placed, placed.room, hits, prefills)),
    )


def trace_assumptions(placed: Placed, workload: WorkloadPart, *, apart: bool = False) -> Iterator[str]:
    """How a trace was read and replayed; ``apart``: over prefill and decode."""
    part, room = workload.trace, placed.room
    if part is None or room is None:
        return
    replicas = 1 if apart else placed.replicas
    dealt = f"; the {replicas} replicas take its requests in turn" if replicas > 1 else ""
    yield (
        f"workload.trace: {len(part.trace.prompts)} requests as recorded, at {part.speed:g} times their speed, the "
        f"cache empty at the start{dealt}; requests a second are those from the first arrival to the last "
        "token. Nothing of it was calibrated"
    )
    if part.unused:
        more = f" and {len(part.unused) - 10} more" if len(part.unused) > 10 else ""
        yield f"workload.trace: not used of its lines: {', '.join(part.unused[:10])}{more}"
    if part.unit_taken:
        yield f"workload.trace.text: {part.unit_taken}"
    if not workload.reuses:
        if part.block_tokens != BLOCK_TOKENS:
            yield "workload.trace.block_tokens: changes nothing here, since no request has hash_ids"
        if room.stated_fraction is None:
            yield "workload.trace: no hash_ids, so that no prompt finds anything in caches"
        return
    if room.stated_fraction is None and room.keeps:
        yield (
            f"workload.trace.hash_ids: blocks of {part.block_tokens} tokens, found by equal names from a prompt's "
            "beginning on; of answers no blocks are named, so that later prompts compute what they repeat of them"
        )
    yield from room_assumptions(room, "workload.trace")


def trace_warnings(
    placed: Placed, workload: WorkloadPart, found: Found, apart_per_s: float | None = None
) -> Iterator[str]:
    """Where more comes than can be served; ``apart_per_s``: by two sides."""
    if workload.trace is None or placed.room is None:
        return
    trace = workload.trace.trace
    if not trace.arrivals_s[-1]:
        return  # all at once, which is no rate
    comes = (len(trace.prompts) - 1) / trace.arrivals_s[-1]
    lengths = lengths_seen(found.seen)
    most = apart_per_s or most_served_per_s(placed.deployment, placed.room, lengths) * placed.replicas
    if comes > most:
        yield (
            f"workload.trace: {comes:.3g} requests come a second, and {most:.3g} are the most that the deployment can "
            "serve; waiting times grow with the length of the trace"
        )


def room_assumptions(room: Room, field: str) -> Iterator[str]:
    """What is looked for in which memory."""
    if room.stated_fraction is not None:
        yield (
            f"workload.prefix_cache_hit_fraction: {room.stated_fraction:g} of every prompt is found, as stated, "
            "whatever the cache would keep"
        )
    elif not room.keeps:
        yield f"{field}: the engine looks for no equal beginnings here; every prompt is computed whole"
    for tier in room.tiers:
        yield (
            f"kv_tiers.{tier.name}: {load_tiers()[tier.name].name}; contexts are written there as they are computed "
            "and read back one after another; what is not said of its speed is the peak of its link"
        )
