"""Prefill and decode apart: one pool of replicas computes prompts, another decodes, the cache travels between."""

from dataclasses import dataclass, replace

from llm_calc.core.arrays import Quantity, larger, smaller, where
from llm_calc.core.serving import batch
from llm_calc.core.serving.batch import Lengths, share_of, stages_at_once
from llm_calc.core.serving.encoder import NO_ENCODER, Encoder
from llm_calc.core.serving.estimate import Deployment, Estimate, means_of
from llm_calc.core.serving.host import with_host

_ROUNDS = 40
_NO_TIME_S = 1e-30
_NO_BYTES = 1e-30
_ENDLESS = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Replicas of each kind, and how the cache gets from one to the other.

    ``link_bytes_per_s``: what all GPUs of a replica send together; ``links``: so many caches travel at that at once.
    """

    prefill_replicas: int
    decode_replicas: int
    cache_bytes_per_token: float
    link_bytes_per_s: float
    links: float = 1.0


def carried_per_s(pools: Pools, prompt_tokens: Quantity) -> Quantity:
    """Caches of prompts that get from one side to the other at most [requests/s].

    ``links x link_bytes_per_s / (prompt_tokens x cache_bytes_per_token)``.
    Definition: a link that is never idle.
    Leaves out: caches that one link of a replica waits with while another's is free.
    """
    return (
        pools.links * pools.link_bytes_per_s / larger(prompt_tokens * pools.cache_bytes_per_token, _NO_BYTES)
    )


def estimate(
    deployment: Deployment,
    pools: Pools,
    lengths: Lengths,
    concurrency: Quantity,
    decode: Deployment | None = None,
    encoder: Encoder = NO_ENCODER,
) -> Estimate:
    """A closed loop over both pools and the link, as a network of three stations [s, tokens/s, requests/s].

    ``rate = min(P / p, links / transfer, concurrency / (p + transfer + answer))``: a prompt takes ``p`` seconds on one
    of P prefill replicas, its cache ``transfer`` seconds on one of the links, its answer ``(output - 1) x decode(n)``
    on a decode replica with n others, never slowed down by prompts; ``min(capacity, limit)`` answers at most on each,
    and what is not decoding waits. ``decode``: the side that answers, where it is made otherwise. Images add their
    encoder's time to ``p``.
    Source: Zhong et al. 2024, DistServe (arXiv:2401.09670) for the division; Denning and Buzen 1978
    (doi:10.1145/356733.356735) for the bounds; checked: 2026-11-30, their abstracts read.
    Leaves out: waits of a load that no station is full under.
    """
    prefill = batch.prefill_seconds(deployment.work, deployment.rates, 1.0, lengths) + encoder.share_s
    transfer = lengths.input_tokens * pools.cache_bytes_per_token / pools.link_bytes_per_s
    entered = smaller(pools.prefill_replicas / prefill, carried_per_s(pools, lengths.input_tokens))
    decode = decode or deployment
    room = smaller(decode.capacity, decode.limit) * pools.decode_replicas
    decoding = smaller(concurrency, room)
    tpot: Quantity = 0.0
    for _ in range(_ROUNDS):
        each = larger(decoding / pools.decode_replicas, 1.0)
        each = share_of(each, stages_at_once(decode.work, decode.rates))
        step = batch.decode_seconds(decode.work, decode.rates, each, lengths, decode.draft.checked_tokens)
        tpot = decode.draft.seconds_per_token(step)
        answer = (lengths.output_tokens - 1) * tpot
        rate = smaller(entered, concurrency / (prefill + transfer + answer))
        wanted = smaller(smaller(rate * answer, room), concurrency)
        decoding = (decoding + wanted) / 2
    answer = (lengths.output_tokens - 1) * tpot
    entering = smaller(entered, concurrency / (prefill + transfer))
    rate = where(answer > 0, decoding / larger(answer, _NO_TIME_S), entering)
    rate = smaller(rate, entered)
    first = larger(concurrency / rate - answer, prefill + transfer)
    ttft = with_host(first, tpot, lengths, 1.0, deployment.host)
    latency = ttft + answer
    return means_of(lengths, ttft, tpot, latency, concurrency, decoding)


def queue(
    deployment: Deployment,
    pools: Pools,
    lengths: Lengths,
    decode: Deployment | None = None,
    encoder: Encoder = NO_ENCODER,
) -> Estimate:
    """A long queue: the most that both pools can serve [s, tokens/s, requests/s].

    ``requests/s = min(P / p, links / transfer, what decode replicas serve)``; the first token is that of a
    request when its turn has come, ``p + transfer``.
    Definition: :func:`estimate` of as many requests as keep all stations busy, without those that wait.
    Leaves out: waiting in the queue, which has no end.
    """
    full = estimate(deployment, pools, lengths, _ENDLESS, decode, encoder)
    prefill = batch.prefill_seconds(deployment.work, deployment.rates, 1.0, lengths) + encoder.share_s
    first = prefill + lengths.input_tokens * pools.cache_bytes_per_token / pools.link_bytes_per_s
    return replace(full, ttft_s=first, request_latency_s=first + (lengths.output_tokens - 1) * full.tpot_s)
