"""What a server adds to the first token beside the steps of its engine."""

from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity, where
from llm_calc.core.serving.batch import Lengths

SLOT_REQUESTS = 10
"""Requests that each slot of a closed loop sends in turn, as benchmark clients do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTimes:
    """What a server adds to the first token.

    For a request, for each of its prompt tokens, for those that come together at the start; and how many tokens
    it gathers before it sends the first. ``polled_steps``: every so-manieth step it looks for new requests, with fewer
    than ``MANY`` of them in flight ``polled_steps_of_few``.
    """

    request_s: Quantity = 0.0
    prompt_token_s: Quantity = 0.0
    arrival_s: Quantity = 0.0
    stream_tokens: Quantity = 0.0
    polled_steps: Quantity = 1.0
    polled_steps_of_few: Quantity = 1.0


MANY = 16
"""Requests in flight from which on scripts of measured servers let more steps pass (``CONC -ge 16``)."""
NO_HOST = HostTimes()


def with_host(
    ttft: Quantity,
    tpot: Quantity,
    lengths: Lengths,
    together: Quantity,
    host: HostTimes,
    requests: Quantity = 1.0,
) -> Quantity:
    """Mean first token as a client sees it [s].

    ``ttft + request + prompt tokens x token + sqrt(together) x arrival + gathered tokens x tpot + polled``;
    ``together``: requests that come at once at the start, whose waiting is told as the mean over a run of ten times as
    many; ``polled``: :func:`polled_s` of ``requests`` in flight.
    Choice: the form; its four constants are fitted by ``make calibrate`` to means, and without ``together`` to medians
    (``docs/accuracy.md``).
    Leaves out: the network between client and server.
    """
    own = host.request_s + lengths.input_tokens * host.prompt_token_s + together**0.5 * host.arrival_s
    return ttft + own + host.stream_tokens * tpot + polled_s(requests, tpot, host)


def polled_s(requests: Quantity, tpot: Quantity, host: HostTimes) -> Quantity:
    """What a request waits on average until the scheduler looks for new ones, ``requests`` being in flight [s].

    ``(steps - 1) / 2 x tpot``; an engine without other requests looks all the time.
    Source: SGLang v0.5.12 ``python/sglang/srt/managers/scheduler_recv_skipper.py``: a step that decodes counts as one,
    one with a prompt as all of them; checked: 2026-11-30.
    Leaves out: that requests which are found together share the steps of their prompts.
    """
    steps = where(requests < MANY, host.polled_steps_of_few, host.polled_steps)
    return where(requests > 1, (steps - 1) / 2 * tpot, 0.0 * tpot)


def start_waits(requests: int, together: float, host: HostTimes) -> FloatArray:
    """What each request of a run waits beside, those of the start that come together [s].

    ``10 x sqrt(together) x arrival`` for the first tenth, so that the mean over a run is that of :func:`with_host`.
    Choice: as there.
    Leaves out: how the wait grows among them.
    """
    first = -(-requests // SLOT_REQUESTS)
    share = requests / first * together**0.5 * float(host.arrival_s) if requests else 0.0
    return np.where(np.arange(requests) < first, share, 0.0)
