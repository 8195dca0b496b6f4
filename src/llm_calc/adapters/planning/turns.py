"""Sessions in plans: what bounds take of their turns, and what a candidate has to hold of them."""

from dataclasses import replace

from llm_calc.adapters.sessions import most_hits, stream_of
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Estimate

ENOUGH = 0.99
"""Part of arriving sessions that a run has to serve: it looks for their number by steps."""


def turn_lengths(workload: WorkloadPart) -> Lengths:
    """A turn at its mean lengths, with all in the cache that some request before had: no run finds more [tokens]."""
    stream = stream_of(workload, 1)
    prompt = sum(kind.share_fraction * kind.mean_prompt_tokens for kind in stream.classes)
    stated = workload.prefix_cache_hit_fraction
    cached = most_hits(stream) if stated is None else stated
    return Lengths(
        input_tokens=prompt,
        output_tokens=sum(kind.share_fraction * kind.output.mean for kind in stream.classes),
        cached_fraction=min(max(cached, 0.0), 1 - 1 / prompt),
    )


def apart_lengths(workload: WorkloadPart, lengths: Lengths, *, keeps: bool) -> Lengths:
    """The same over prefill and decode apart: what is stated is found, else all that prefill replicas computed."""
    if not workload.grows:
        return lengths
    most = 1 - 1 / float(lengths.input_tokens)
    stated = workload.prefix_cache_hit_fraction
    kept = stream_of(workload, 1).most_prompt_hit_fraction if keeps else 0.0
    return replace(lengths, cached_fraction=min(kept if stated is None else stated, most))


def held_at_once(workload: WorkloadPart) -> WorkloadPart:
    """The part of a load that memory has to hold: of sessions a single one, whose others wait or come again."""
    if not workload.grows:
        return workload
    return workload.model_copy(update={"concurrency": 1, "session_rate": None})


def serves_all(workload: WorkloadPart, found: Estimate) -> bool:
    """Whether sessions that begin at a rate are served as fast as they come."""
    if workload.session_rate is None or workload.sessions is None:
        return True
    return float(found.requests_per_s) >= ENOUGH * workload.session_rate * workload.sessions.turns


def turns_assumption(workload: WorkloadPart) -> str | None:
    """What is taken for granted of sessions."""
    if not workload.grows:
        return None
    return (
        "workload.sessions: candidates are bounded by turns of mean length with everything found in the cache, and "
        "simulated in full; a plan's memory is that of one session at its longest, more wait or are computed again; "
        "nothing of it was calibrated"
    )
