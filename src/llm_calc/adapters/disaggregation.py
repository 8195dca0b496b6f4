"""Prefill and decode on GPUs of their own: their estimate."""

from dataclasses import replace
from functools import lru_cache, partial

from llm_calc.adapters.apart_sides import Sides
from llm_calc.adapters.sessions import stream_of, with_encoding
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.workload_rules import has_targets
from llm_calc.core.serving.batch import Lengths, decode_seconds, prefill_seconds, share_of, stages_at_once
from llm_calc.core.serving.disaggregated import Pools, estimate, queue
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.workloads.apart_loads import (
    about_means,
    alive_apart,
    arriving_apart,
    batch_apart,
    replayed_apart,
    sessions_apart,
)
from llm_calc.core.workloads.estimate import Found, lengths_seen
from llm_calc.core.workloads.stations import Stations
from llm_calc.core.workloads.stream import Room


def disaggregated_estimate(sides: Sides, workload: WorkloadPart) -> Estimate | Found:
    """A closed loop and a queue of equal requests in closed form, every other load request by request."""
    if workload.is_stream or workload.load in ("request_rate", "batch"):
        return _simulated(sides, workload)
    lengths = Lengths(
        input_tokens=float(workload.mean_input_tokens),
        output_tokens=float(workload.mean_output_tokens),
        cached_fraction=workload.cached_fraction,
    )
    prefill, decode, encoder = sides.prefill.deployment, sides.decode.deployment, sides.prefill.encoder
    if workload.load == "offline":
        return queue(prefill, sides.pools, lengths, decode, encoder)
    found = estimate(prefill, sides.pools, lengths, float(workload.requests_in_flight), decode, encoder)
    return about_means(found, _simulated(sides, workload)) if has_targets(workload) else found


def with_percentiles(found: Estimate, sides: Sides, workload: WorkloadPart) -> Estimate:
    """The same with percentiles; those of a closed form are a run's, about its own means."""
    if not found.each.known:
        found = about_means(found, _simulated(sides, workload))
    return replace(found, percentiles=found.percentiles or found.each.percentiles)


def most_apart_per_s(sides: Sides, found: Found) -> float:
    """What both sides serve at most of requests of the lengths that were seen [requests/s]."""
    prefill, decode, lengths = sides.prefill.deployment, sides.decode.deployment, lengths_seen(found.seen)
    return float(queue(prefill, sides.pools, lengths, decode, sides.prefill.encoder).requests_per_s)


def _simulated(sides: Sides, workload: WorkloadPart) -> Found:
    deployment, stations = sides.decode.deployment, _stations(sides, workload)
    if workload.trace is not None:
        return replayed_apart(deployment, workload.trace.trace, stations)
    stream = stream_of(workload, max(1, workload.requests_in_flight))
    lost = 0.0 if stations.room else 1 - workload.cached_fraction
    stream = with_encoding(stream, sides.prefill, workload, lost)
    if workload.batch is not None:
        return batch_apart(deployment, stream, stations, workload.batch)
    if workload.session_rate is not None:
        return sessions_apart(deployment, stream, stations, workload.session_rate)
    if workload.request_rate is not None:
        return arriving_apart(deployment, stream, stations, workload.request_rate)
    return alive_apart(deployment, stream, stations)


def _stations(sides: Sides, workload: WorkloadPart) -> Stations:
    prefill, decode, pools = sides.prefill.deployment, sides.decode.deployment, sides.pools
    mean = Lengths(
        input_tokens=float(workload.longest_tokens + workload.mean_input_tokens) / 2
        if workload.grows
        else float(workload.mean_input_tokens),
        output_tokens=float(workload.mean_output_tokens),
    )

    @lru_cache(maxsize=4096)
    def prompt_s(tokens: float, found: float) -> float:
        one = Lengths(input_tokens=tokens, output_tokens=1.0, cached_fraction=found / tokens)
        return float(prefill_seconds(prefill.work, prefill.rates, 1.0, one))

    @lru_cache(maxsize=4096)
    def token_s(answers: float) -> float:
        checked = decode.draft.checked_tokens
        batch = share_of(answers, stages_at_once(decode.work, decode.rates))
        step = decode_seconds(decode.work, decode.rates, batch, mean, checked)
        return float(decode.draft.seconds_per_token(step))

    return Stations(
        prefills=pools.prefill_replicas,
        decodes=pools.decode_replicas,
        most=max(1, int(sides.most_answers)),
        prefill_s=prompt_s,
        transfer_s=partial(_transfer_s, pools),
        token_s=token_s,
        cached_fraction=workload.cached_fraction,
        room=kept_prompts(sides, workload),
        step_tokens=decode.draft.tokens_per_step,
        links=pools.links,
    )


def kept_prompts(sides: Sides, workload: WorkloadPart) -> Room | None:
    """Where a prefill replica keeps prompts for later ones; None where it keeps none, or what is found is stated."""
    room = sides.prefill.room
    return room if room and room.keeps and room.stated_fraction is None and workload.reuses else None


def _transfer_s(pools: Pools, tokens: float) -> float:
    return float(tokens * pools.cache_bytes_per_token / pools.link_bytes_per_s)
