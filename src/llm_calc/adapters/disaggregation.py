"""Prefill and decode on GPUs of their own: their estimate."""

from dataclasses import replace
from functools import lru_cache, partial

from llm_calc.adapters.apart_sides import Sides
from llm_calc.adapters.sessions import ARRIVING, stream_of
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.serving.batch import Lengths, decode_seconds, prefill_seconds
from llm_calc.core.serving.disaggregated import Pools, estimate
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.host import NO_HOST
from llm_calc.core.serving.traffic import poisson_arrivals
from llm_calc.core.workloads.apart import Stations, run_apart
from llm_calc.core.workloads.estimate import (
    Found,
    as_clients_see,
    as_found,
    counted_requests,
    session_seconds,
)
from llm_calc.core.workloads.stream import Stream

NEARLY = 0.9
"""A run ends with its last answers, so that it serves somewhat less a second than comes; so much is all of it."""


def disaggregated_estimate(sides: Sides, workload: WorkloadPart) -> Estimate | Found:
    """A closed loop of equal requests in closed form, every other load request by request."""
    if workload.load == "concurrency" and not workload.is_stream:
        lengths = Lengths(
            input_tokens=float(workload.mean_input_tokens),
            output_tokens=float(workload.mean_output_tokens),
            cached_fraction=workload.cached_fraction,
        )
        prefill, decode = sides.prefill.deployment, sides.decode.deployment
        return estimate(
            prefill, sides.pools, lengths, float(workload.requests_in_flight), decode, sides.prefill.encoder
        )
    return _simulated(sides, workload)


def _simulated(sides: Sides, workload: WorkloadPart) -> Found:
    stream, rate = _stream(workload)
    arrivals = round(len(stream.arrivals_s) * stream.mean_turns)
    wanted = arrivals or counted_requests(stream, stream.slots)
    first = stream.slots if stream.slots and stream.mean_turns > 1 else 0
    seen = run_apart(stream, _stations(sides, workload), wanted, first)
    deployment = sides.decode.deployment
    if rate is not None:
        deployment = replace(deployment, host=NO_HOST)
    seen = as_clients_see(deployment, seen)
    served = len(seen.kind) / seen.elapsed_s
    if rate is None:
        answered = min(served, stream.slots * stream.mean_turns / max(session_seconds(stream, seen), 1e-12))
        return as_found(deployment, seen, answered, float(stream.slots))
    answered = min(rate * stream.mean_turns, served)
    if served > rate * stream.mean_turns * NEARLY:
        answered = rate * stream.mean_turns
    return as_found(deployment, seen, answered, answered * float(seen.latency_s.mean()))


def _stream(workload: WorkloadPart) -> tuple[Stream, float | None]:
    """What comes, and the rate at which it does; None: a closed loop."""
    rate = workload.session_rate or workload.request_rate
    if rate is None:
        return stream_of(workload, max(1, workload.requests_in_flight)), None
    return stream_of(workload, 0, poisson_arrivals(rate, ARRIVING)), rate


def _stations(sides: Sides, workload: WorkloadPart) -> Stations:
    prefill, decode, pools = sides.prefill.deployment, sides.decode.deployment, sides.pools
    mean = Lengths(
        input_tokens=float(workload.longest_tokens + workload.mean_input_tokens) / 2
        if workload.grows
        else float(workload.mean_input_tokens),
        output_tokens=float(workload.mean_output_tokens),
    )

    @lru_cache(maxsize=4096)
    def prompt_s(tokens: float) -> float:
        cached = workload.cached_fraction
        one = Lengths(input_tokens=tokens, output_tokens=1.0, cached_fraction=cached)
        return float(prefill_seconds(prefill.work, prefill.rates, 1.0, one))

    @lru_cache(maxsize=4096)
    def token_s(answers: int) -> float:
        checked = decode.draft.checked_tokens
        step = decode_seconds(decode.work, decode.rates, float(answers), mean, checked)
        return float(decode.draft.seconds_per_token(step))

    return Stations(
        prefills=pools.prefill_replicas,
        decodes=pools.decode_replicas,
        most=max(1, int(sides.most_answers)),
        prefill_s=prompt_s,
        transfer_s=partial(_transfer_s, pools),
        token_s=token_s,
        cached_fraction=workload.cached_fraction,
    )


def _transfer_s(pools: Pools, tokens: float) -> float:
    return float(tokens * pools.cache_bytes_per_token / pools.link_bytes_per_s)
