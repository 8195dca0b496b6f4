"""What a server adds to the first token beside the steps of its engine, and how often it looks for new requests."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity, smaller, where
from llm_calc.core.calibration import ANY, Poll, format_class
from llm_calc.core.engines import Engine
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.operators.work import GROUPS, StepWork
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

    ``ttft + request + prompt tokens x token + sqrt(together) x arrival + min(gathered tokens, output - 1) x tpot +
    polled``; ``together``: requests that come at once at the start, whose waiting is told as the mean over a run of ten
    times as many; ``polled``: :func:`polled_s` of ``requests`` in flight.
    Choice: the form; its four constants are fitted by ``make calibrate`` to means, and without ``together`` to medians
    (``docs/accuracy.md``).
    Leaves out: the network between client and server.
    """
    own = host.request_s + lengths.input_tokens * host.prompt_token_s + together**0.5 * host.arrival_s
    gathered = smaller(host.stream_tokens, lengths.output_tokens - 1)
    return ttft + own + gathered * tpot + polled_s(requests, tpot, host, lengths.output_tokens)


def polled_s(
    requests: Quantity, tpot: Quantity, host: HostTimes, output_tokens: Quantity = math.inf
) -> Quantity:
    """What a request waits on average until the scheduler looks for new ones, ``requests`` being in flight [s].

    ``(min(steps, output) - 1) / 2 x tpot``; an engine without other requests looks all the time, and so does one whose
    requests have all had their answers of ``output_tokens``.
    Source: SGLang v0.5.12 ``python/sglang/srt/managers/scheduler_recv_skipper.py``: a step that decodes counts as one,
    one with a prompt as all of them; checked: 2026-11-30.
    Leaves out: that requests which are found together share the steps of their prompts.
    """
    steps = where(requests < MANY, host.polled_steps_of_few, host.polled_steps)
    return where(requests > 1, (smaller(steps, output_tokens) - 1) / 2 * tpot, 0.0 * tpot)


def start_waits(requests: int, together: float, host: HostTimes) -> FloatArray:
    """What each request of a run waits beside, those of the start that come together [s].

    ``10 x sqrt(together) x arrival`` for the first tenth, so that the mean over a run is that of :func:`with_host`.
    Choice: as there.
    Leaves out: how the wait grows among them.
    """
    first = -(-requests // SLOT_REQUESTS)
    share = requests / first * together**0.5 * float(host.arrival_s) if requests else 0.0
    return np.where(np.arange(requests) < first, share, 0.0)


def with_polls(
    host: HostTimes,
    polls: Iterable[Poll],
    engine: str,
    chip: str,
    shape: str,
    work: StepWork,
    stated: int | None = None,
) -> HostTimes:
    """The steps that measured servers let pass, of the line that says most; every step where attention is dealt [s].

    Definition: what sources of measured servers say of their settings, or what a request has ``stated``.
    """
    if stated is not None:
        return replace(host, polled_steps=float(stated), polled_steps_of_few=float(stated))
    rows = [row for row in polls if row.engine == engine and row.chip == chip]
    known = [row for row in rows if row.shape in (ANY, shape) and row.format in (ANY, format_of(work))]
    if not known or work.sequence_share < 1:
        return host
    best = max(known, key=lambda row: (row.shape != ANY, row.format != ANY))
    return replace(host, polled_steps=float(best.many), polled_steps_of_few=float(best.few))


def format_of(work: StepWork) -> str:
    """Class of formats of the experts, of the first matrices where a model has none."""
    experts = format_class(work.linear[GROUPS.index("experts")].format)
    return experts or format_class(work.linear[0].format)


def stated_polls(engine: Engine) -> int | None:
    """The steps between looks for new requests that are stated of an engine; None where nothing is [1].

    Definition: SGLang's ``scheduler_recv_interval``.
    """
    return engine.scheduler_recv_interval if isinstance(engine, Sglang) else None


def poll_words(host: HostTimes, engine: str, requests: int) -> tuple[str, ...]:
    """What figures of first tokens take a server's looks for new requests to be, with so many at one replica."""
    steps = host.polled_steps_of_few if requests < MANY else host.polled_steps
    if requests <= 1 or steps == 1:
        return ()
    note = (
        f"first tokens are those of a {engine} server with scheduler_recv_interval {steps:.0f}, as measured servers of "
        f"this kind ran; with its default of 1 they come some {(steps - 1) / 2:.0f} steps sooner"
    )
    return (note,)
