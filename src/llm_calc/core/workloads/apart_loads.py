"""Loads of requests that are told apart over prefill and decode apart: sessions, arrivals, traces, a static batch."""

from dataclasses import replace
from math import ceil

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.estimate import Deployment, Estimate
from llm_calc.core.serving.host import NO_HOST
from llm_calc.core.serving.traffic import OPEN_REQUESTS, ROUNDS_BEFORE, Requests, rounds_of_arrivals
from llm_calc.core.workloads.apart import run_apart
from llm_calc.core.workloads.arrivals import sessions_at_rate
from llm_calc.core.workloads.blocks import most_found_fraction
from llm_calc.core.workloads.estimate import (
    Found,
    as_clients_see,
    as_found,
    behind,
    counted_requests,
    session_seconds,
)
from llm_calc.core.workloads.stations import Stations
from llm_calc.core.workloads.stream import Stream
from llm_calc.core.workloads.traces import Trace
from llm_calc.core.workloads.turns import Seen

MOST_APART = 512
"""Requests in a run of a closed loop that move by themselves; of more a part of both sides is simulated."""
FULL = 1.5
"""So many times the requests that fill both sides keep them full; each further one only waits."""
BATCH_FILLS = 3
"""A batch so many times as large as what decodes at once has a middle in which nothing changes."""


def alive_apart(
    deployment: Deployment, stream: Stream, stations: Stations, most_requests: int | None = None
) -> Found:
    """So many sessions always alive, each followed by a new one [s, tokens/s, requests/s].

    ``requests/s = min(most, sessions x turns / (turns x latency + (turns - 1) x pause))`` (Little's law).
    Choice: of more than fill both sides, each makes every request wait ``1 / most`` longer, and shares the room for
    prompts; of many a part.
    Leaves out: as :func:`.apart.run_apart`.
    """
    sessions = min(stream.slots, _filling(stream, stations))
    slots = min(sessions, MOST_APART)
    part, own = stations.part(sessions / slots), replace(stream, slots=slots)
    part = replace(part, sessions_kept_for=stream.slots / sessions)
    wanted, first = counted_requests(own, slots), slots if stream.mean_turns > 1 else 0
    wanted = wanted if most_requests is None else min(wanted, max(most_requests, slots))
    seen = run_apart(own, part, wanted, first)
    most = served_most_per_s(stations, stream, seen)
    seen = _of_all(replace(seen, mean_running=seen.mean_running * sessions / slots), stream.slots / slots)
    seen = as_clients_see(deployment, seen)
    wait_s = (stream.slots - sessions) / most
    seen = replace(seen, ttft_s=seen.ttft_s + wait_s, latency_s=seen.latency_s + wait_s)
    session_s = max(session_seconds(stream, seen), 1e-12)
    rate = min(stream.slots * stream.mean_turns / session_s, most)
    return as_found(deployment, seen, rate, float(stream.slots))


def _filling(stream: Stream, stations: Stations) -> int:
    """Sessions that keep both sides full, those in their pauses with them, and half as many more [1].

    ``1.5 x (prefills + links + decodes x most + most requests/s x pauses / turns)``.
    Definition: Little's law of the pauses, at the most that can be found.
    """
    prompts = np.array([each.mean_prompt_tokens for each in stream.classes])
    outputs = np.array([each.output.mean for each in stream.classes])
    pauses = sum(each.share_fraction * (each.turns - 1) * each.think_s for each in stream.classes)
    new = np.array([each.mean_new_prompt_tokens for each in stream.classes])
    found = prompts - new if stations.room else None
    most = stations.most_per_s(prompts, outputs, stream.mean_encoding_s, found)
    filled = _at_once(stations) + most * pauses / stream.mean_turns
    return ceil(FULL * filled)


def served_most_per_s(stations: Stations, stream: Stream, seen: Seen) -> float:
    """What both sides serve at most of requests that found what those of a run did [requests/s].

    ``most_per_s(prompts, outputs, encoding, found)``; images of turns before are encoded again as far as
    ``lost = 1 - sum of min(found + block, known) / sum of known``.
    Definition: :meth:`.stations.Stations.most_per_s`.
    """
    found = seen.found_tokens.sum(axis=0)
    if stations.room is not None:
        there = np.minimum(found + stations.room.block_tokens, seen.known_tokens)
        lost = 1 - float(there.sum()) / max(float(seen.known_tokens.sum()), 1.0)
        stream = replace(stream, lost_fraction=max(lost, 0.0))
    return stations.most_per_s(seen.prompt_tokens, seen.output_tokens, stream.mean_encoding_s, found)


def _of_all(seen: Seen, of: float) -> Seen:
    """What is kept on all prefill replicas of what a part has."""
    return replace(seen, kept_tokens=seen.kept_tokens * of, kept_sessions=seen.kept_sessions * of)


def _at_once(stations: Stations) -> int:
    """Requests that fill both sides and the links."""
    return stations.prefills + stations.ways + stations.decodes * stations.most


def sessions_apart(deployment: Deployment, stream: Stream, stations: Stations, rate_per_s: float) -> Found:
    """Sessions that begin at a rate [s, tokens/s, requests/s].

    Definition: :func:`.arrivals.sessions_at_rate` of :func:`alive_apart`; of a queue that grows what is found with both
    sides full, whatever the rate.
    """
    deployment = replace(deployment, host=NO_HOST)

    def run(sessions: int, most_requests: int | None = None) -> Found:
        return alive_apart(deployment, replace(stream, slots=sessions), stations, most_requests)

    most = _filling(stream, stations) + 1
    growing = None if stations.room is None else most
    return sessions_at_rate(deployment, stream, run, rate_per_s, most, growing_sessions=growing)


def arriving_apart(deployment: Deployment, stream: Stream, stations: Stations, rate_per_s: float) -> Found:
    """Requests that arrive at random at a rate [s, tokens/s, requests/s].

    ``requests/s = min(rate, most)``; beyond it both sides are as busy as at it, and the k-th request waits
    ``k x (1 / most - 1 / rate)`` besides.
    Choice: as :func:`.estimate.arriving`; of more replicas than the run can fill a part.
    Leaves out: as :func:`.apart.run_apart`.
    """
    deployment = replace(deployment, host=NO_HOST)
    of = _part_of_arrivals(stream, stations, rate_per_s)
    part = stations.part(of)
    seen = _arrived(deployment, stream, part, rate_per_s / of)
    served = min(rate_per_s, served_most_per_s(stations, stream, seen))
    if served < rate_per_s:
        lag_s = 1 / served - 1 / rate_per_s
        seen = behind(_arrived(deployment, stream, part, served / of), lag_s)
    seen = _of_all(replace(seen, mean_running=seen.mean_running * of), of)
    return as_found(deployment, seen, served, served * float(seen.latency_s.mean()))


def _arrived(deployment: Deployment, stream: Stream, stations: Stations, rate_per_s: float) -> Seen:
    """What the requests that count see of arrivals at a rate."""
    comes = replace(stream, slots=0, arrivals_s=rounds_of_arrivals(rate_per_s))
    seen = run_apart(comes, stations, OPEN_REQUESTS, ROUNDS_BEFORE * OPEN_REQUESTS)
    return as_clients_see(deployment, seen)


def _part_of_arrivals(stream: Stream, stations: Stations, rate_per_s: float) -> float:
    """By how much both sides are divided so that a round of arrivals fills them [1].

    ``min(prefills, decodes, answers at once / 900)``, one at least.
    Definition: answers at once are ``rate x output x token_s`` at most, and what fits.
    """
    output = sum(each.share_fraction * each.output.mean for each in stream.classes)
    at_once = min(stations.decodes * stations.most, rate_per_s * output * stations.token_s(stations.most))
    return max(1.0, min(stations.prefills, stations.decodes, at_once / OPEN_REQUESTS))


def replayed_apart(deployment: Deployment, trace: Trace, stations: Stations) -> Found:
    """A trace over both sides [s, tokens].

    ``requests/s = requests / (time from the first request to the last token)``.
    Definition: as :func:`.traces.replayed`, both sides being one deployment.
    """
    deployment = replace(deployment, host=NO_HOST)
    seen = as_clients_see(deployment, run_apart(trace.stream, stations, len(trace.prompts)))
    elapsed_s = float((seen.arrival_s + seen.latency_s).max())
    seen = replace(seen, elapsed_s=elapsed_s)
    rate = len(trace.prompts) / max(elapsed_s, 1e-12)
    found = as_found(deployment, seen, rate, rate * float(seen.latency_s.mean()))
    return replace(found, most_hit_fraction=_most_found(trace, stations))


def _most_found(trace: Trace, stations: Stations) -> float:
    """What would be found if nothing were ever dropped, by one replica that computes all prompts [1]."""
    if stations.room is None:
        return stations.cached_fraction
    return most_found_fraction(trace.stream, trace.prompts)


def batch_apart(deployment: Deployment, stream: Stream, stations: Stations, requests: int) -> Found:
    """A static batch: all prompts come at once, and answers begin as their caches arrive [s, tokens/s, requests/s].

    ``requests/s = requests / time to the last token``. Of a large batch the middle, in which both sides are full, is
    drawn out: each further request begins ``1 / most`` after the one before it.
    Definition: :func:`.apart.run_apart` of arrivals at one time.
    Leaves out: prompts that one prefill step computes together.
    """
    deployment = replace(deployment, host=NO_HOST)
    run = min(requests, max(OPEN_REQUESTS, BATCH_FILLS * _at_once(stations)))
    of = max(1.0, run / (BATCH_FILLS * OPEN_REQUESTS))
    part, number = stations.part(of), max(1, round(run / of))
    come = replace(stream, slots=0, arrivals_s=(0.0,) * number)
    seen = as_clients_see(deployment, run_apart(come, part, number))
    most = served_most_per_s(stations, stream, seen)
    order = seen.ttft_s.argsort()
    first = _drawn_out(seen.ttft_s[order], requests, run, (requests - run) / most)
    each = seen.tpot_s[order]
    later = np.nan_to_num(each) * (seen.output_tokens[order] - 1)
    seen = replace(seen, ttft_s=first, tpot_s=each, latency_s=first + later)
    elapsed_s = float(seen.latency_s.max())
    running = requests * float(later.mean()) / elapsed_s
    seen = replace(seen, elapsed_s=elapsed_s, mean_running=running)
    return as_found(deployment, seen, requests / elapsed_s, float(requests))


def _drawn_out(first_s: FloatArray, requests: int, run: int, longer_s: float) -> FloatArray:
    """First tokens of a batch of so many at as many evenly spaced places as were run [s]."""
    if requests == run:
        return first_s
    places = np.linspace(0.0, 1.0, len(first_s))
    half, share = len(first_s) // 2, run / requests
    known = np.where(np.arange(len(first_s)) < half, places * share, 1 - (1 - places) * share)
    values = np.where(np.arange(len(first_s)) < half, first_s, first_s + longer_s)
    return np.interp(places, known, values)


def about_means(found: Estimate, run: Found) -> Estimate:
    """A closed form with requests that differ from its means as those of a run do from theirs [s].

    ``time x mean of the form / mean of the run``.
    Choice: requests of closed loops spread alike about either mean.
    Leaves out: what more of a load does to the spread itself.
    """
    seen, means = run.seen, run.estimate
    pairs = (
        (seen.ttft_s, found.ttft_s, means.ttft_s),
        (np.nan_to_num(seen.tpot_s), found.tpot_s, means.tpot_s),
        (seen.latency_s, found.request_latency_s, means.request_latency_s),
    )
    first, each, whole = (values * float(mean) / max(float(own), 1e-12) for values, mean, own in pairs)
    return replace(found, each=Requests(ttft_s=first, tpot_s=each, latency_s=whole))
