"""What a server adds to the first token beside the steps of its engine."""

from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.serving.batch import Lengths

SLOT_REQUESTS = 10
"""Requests that each slot of a closed loop sends in turn, as benchmark clients do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTimes:
    """What a server adds to the first token.

    For a request, for each of its prompt tokens, for those that come together at the start; and how many tokens
    it gathers before it sends the first.
    """

    request_s: Quantity = 0.0
    prompt_token_s: Quantity = 0.0
    arrival_s: Quantity = 0.0
    stream_tokens: Quantity = 0.0


NO_HOST = HostTimes()


def with_host(
    ttft: Quantity, tpot: Quantity, lengths: Lengths, together: Quantity, host: HostTimes
) -> Quantity:
    """Mean first token as a client sees it [s].

    ``ttft + request + prompt tokens x token + sqrt(together) x arrival + gathered tokens x tpot``; ``together``:
    requests that come at once at the start, whose waiting is told as the mean over a run of ten times as many.
    Choice: the form; its four constants are fitted by ``make calibrate`` to means, and without ``together`` to medians
    (``docs/accuracy.md``).
    Leaves out: the network between client and server.
    """
    own = host.request_s + lengths.input_tokens * host.prompt_token_s + together**0.5 * host.arrival_s
    return ttft + own + host.stream_tokens * tpot


def start_waits(requests: int, together: float, host: HostTimes) -> FloatArray:
    """What each request of a run waits beside, those of the start that come together [s].

    ``10 x sqrt(together) x arrival`` for the first tenth, so that the mean over a run is that of :func:`with_host`.
    Choice: as there.
    Leaves out: how the wait grows among them.
    """
    first = -(-requests // SLOT_REQUESTS)
    share = requests / first * together**0.5 * float(host.arrival_s) if requests else 0.0
    return np.where(np.arange(requests) < first, share, 0.0)
