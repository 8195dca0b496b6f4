"""What an answer over prefill and decode apart says of both sides."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from llm_calc.adapters.apart_sides import Sides
from llm_calc.adapters.apart_way import moves_between
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.disaggregation import kept_prompts
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.idle_options import Timed, unpolled
from llm_calc.adapters.operator_rows import operator_rows
from llm_calc.adapters.sessions import ARRIVING
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import OperatorRow, ServingEstimateRequest
from llm_calc.adapters.wire.workload_rules import has_targets
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.disaggregated import carried_per_s, queue
from llm_calc.core.serving.estimate import Estimate, Offsets

LINK = "disaggregated.link_bytes_per_s"
NEXT_FREE = "prompts of a trace go to the one that is free, and find what it has"


def of_both(placed: Placed, sides: Sides | None, words: Callable[[Placed], Iterable[str]]) -> Iterator[str]:
    """What is said of a deployment; of two sides what holds for both once, of one alone under its name."""
    first = list(words(placed))
    second = first if sides is None or sides.alike else list(words(sides.decode))
    yield from (each if each in second else f"prefill side: {each}" for each in first)
    yield from (f"decode side: {each}" for each in second if each not in first)


def apart_words(request: ServingEstimateRequest, sides: Sides | None) -> Iterator[str]:
    """What was taken for granted of the two sides."""
    part, workload = request.disaggregated, request.workload
    if part is None or sides is None:
        return
    way = f"{sides.way.bytes_per_s / 1e9:.4g} GB/s a GPU ({sides.way.words})"
    yield f"disaggregated: the cache travels at {way}; nothing of it was calibrated"
    yield (
        "disaggregated: resolved and lora are of a prefill replica, resolved.decode of a decode replica, operators of "
        "each phase of its own side; rates a GPU count both sides"
    )
    yield from sides.chosen
    yield from _load_words(workload)
    yield from reuse_words(request.engine.name, sides, workload)


def reuse_words(engine: str, sides: Sides, workload: WorkloadPart) -> Iterator[str]:
    """What prefill replicas find of prompts, by the rules of an engine; nothing of loads that share no beginnings."""
    if not workload.reuses:
        return
    if kept_prompts(sides, workload) is None:
        stated = workload.prefix_cache_hit_fraction
        but = "is computed whole" if stated is None else f"is computed but for the stated {stated:g}"
        yield f"disaggregated: nothing that prefill replicas keep is followed; every prompt {but}"
    else:
        goes = "a session's prompts go to one prefill replica" if workload.grows else NEXT_FREE
        yield (
            "disaggregated: a prefill replica keeps the prompts that it computed, the least recently used leaving "
            f"first, and finds their beginnings again; {goes}. Answers are computed again as part of later prompts, "
            "since their cache lies on the decode side, and the whole cache of a prompt travels whatever the decode "
            f"side still has; {load_engine_rules()[engine].reuse_apart}"
        )


def _load_words(workload: WorkloadPart) -> Iterator[str]:
    """How each kind of load runs over two sides."""
    if workload.load == "concurrency" and not workload.is_stream:
        spread = (
            "; what keeps targets is counted in a run, about these means" if has_targets(workload) else ""
        )
        yield f"workload.concurrency: a closed form of equal requests, without percentiles{spread}"
    if workload.load == "request_rate" and not workload.is_stream:
        yield (
            f"workload.request_rate: one simulated run of {ARRIVING} requests of equal lengths, of both sides after "
            "twice as many"
        )
    if workload.load == "batch":
        yield (
            "workload.batch: all prompts come at once, each is computed by itself, and answers begin as their caches "
            "arrive"
        )
    if workload.load == "offline":
        yield (
            "workload.offline: a closed form of what both sides serve at most; the first token is that of a request "
            "when its turn has come"
        )


def apart_warnings(workload: WorkloadPart, sides: Sides, lengths: Lengths) -> Iterator[str]:
    """Caches that do not fit each other, more requests than decode replicas run at once, and a link that bounds."""
    ours, theirs = sides.prefill.kv_cache, sides.decode.kv_cache
    if ours != theirs:
        yield (
            f"precision.kv_cache: prefill keeps {ours}, decode {theirs}, and the cache travels as it is; name one "
            "format"
        )
    tensors = sides.prefill.layout.tensor, sides.decode.layout.tensor
    if not moves_between(sides.decode, tensors):
        yield (
            f"disaggregated.decode_parallelism: prefill has tensor {tensors[0]}, decode {tensors[1]}; vLLM's NIXL is "
            "documented to move recurrent state between equal ones alone"
        )
    room = sides.most_answers * sides.pools.decode_replicas
    if workload.load in ("concurrency", "batch") and workload.requests_in_flight > room:
        yield (
            f"workload.{workload.load}: decode replicas run about {room:.0f} requests of this length at once; the "
            "others wait"
        )
    yield from _link_words(sides, lengths)


def _link_words(sides: Sides, lengths: Lengths) -> Iterator[str]:
    """Of a link that carries fewer caches than both sides compute and answer."""
    pools, free = sides.pools, replace(sides.pools, link_bytes_per_s=math.inf)
    carried = float(carried_per_s(pools, lengths.input_tokens))
    prefill, decode = sides.prefill.deployment, sides.decode.deployment
    served = float(queue(prefill, free, lengths, decode, sides.prefill.encoder).requests_per_s)
    if carried < served:
        cache = lengths.input_tokens * pools.cache_bytes_per_token
        yield (
            f"{LINK}: it bounds this deployment: caches of {cache / 1e9:.3g} GB a prompt leave at "
            f"{pools.links * pools.link_bytes_per_s / 1e9:.3g} GB/s in all, at most {carried:.3g} requests a second, "
            f"and both sides could serve {served:.3g}"
        )


def apart_rows(lengths: Lengths, sides: Sides, found: Estimate) -> Iterator[OperatorRow]:
    """A decode step of a decode replica, and the prefill of one prompt on the other side."""
    share = found.running / sides.pools.decode_replicas * sides.decode.replicas
    for placed, phase in ((sides.decode, "decode"), (sides.prefill, "prefill")):
        unmeasured = replace(placed, deployment=replace(placed.deployment, offsets=Offsets()))
        rows = operator_rows(lengths, unmeasured, found, share, alone=True)
        yield from (row for row in rows if row.phase == phase)


def timed_of_both(sides: Sides, workload: WorkloadPart, figures: Callable[[], object]) -> Timed:
    """What the times of two sides follow from: no prompts share a step, and answers wait for room alone.

    Nor do first tokens wait for looks between steps of decoding, which the other side runs. What prefill replicas keep
    may be all that is ever found, however much room they have.
    """
    prefill, decode = sides.prefill.deployment, sides.decode.deployment
    most = sides.most_answers
    if workload.load in ("concurrency", "batch"):
        most = min(most, float(workload.requests_in_flight))
    ours, theirs = (unpolled(each.host) for each in (prefill, decode))
    both = (prefill.work, prefill.rates, ours, decode.work, decode.rates, theirs, decode.draft)
    room = kept_prompts(sides, workload)
    keeps = room is not None
    return Timed(whole=(*both, most, room), rest=(*both, keeps), figures=figures)
