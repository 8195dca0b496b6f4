"""Continuous batching in closed form: a fixed number of requests always in flight.

Sequences decode together; whenever one ends, the next prompt enters and its chunks slow down a few steps of all
others. In steady state a token therefore takes one decode step and its share of other requests' prefills.
"""

from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import Quantity, ceil_div, larger, smaller
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import NO_DRAFT, Draft
from llm_calc.core.serving.step import StepLoad, step_seconds

_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyState:
    """Means of a closed loop: seconds a token, seconds of a prompt's own steps, sequences that decode at once."""

    tpot_s: Quantity
    prefill_s: Quantity
    running: Quantity


def steady_state(
    work: StepWork,
    rates: Rates,
    lengths: Lengths,
    concurrency: Quantity,
    capacity: Quantity,
    draft: Draft = NO_DRAFT,
) -> SteadyState:
    """Means of a closed loop with a fixed number of requests in flight [s, sequences].

    ``tpot = decode / gained + (running - 1) / output x (mixed - decode)``: ``decode`` is a step of ``running``
    sequences at the mean context, ``mixed`` the same with one prompt aboard, ``gained`` the tokens that a sequence
    has of a step (1 without a draft). ``running``: ``min(capacity, concurrency x output x tpot / (output x tpot +
    prefill))``.
    Source: Little 1961 (doi:10.1287/opre.9.3.383) for what waits for its first token; Agrawal et al. 2024,
    Sarathi-Serve (arXiv:2403.02310) for chunks that ride on decode steps.
    Leaves out: variation of lengths and arrivals. A prompt runs on one attention replica; others have prompts of
    their own only if as many come a step.
    """
    limit = smaller(concurrency, capacity)
    running = limit
    decode = mixed = tpot = prefill = 0.0 * running
    for _ in range(_ROUNDS):
        base = _load(lengths, running, draft.checked_tokens)
        decode = step_seconds(work, base, rates)
        chunks = ceil_div(lengths.new_tokens, rates.kernels.prompt_tokens)
        mixed = step_seconds(work, _with_prompt(work, base, lengths, chunks), rates)
        extra = chunks * (mixed - decode)
        tpot = draft.seconds_per_token(decode) + larger(running - 1, 0.0) / lengths.output_tokens * extra
        prefill = extra + decode
        busy = lengths.output_tokens * tpot
        running = larger(smaller(limit, concurrency * busy / (busy + prefill)), 1.0)
    return SteadyState(tpot_s=tpot, prefill_s=prefill, running=running)


def _load(lengths: Lengths, running: Quantity, tokens_per_sequence: Quantity) -> StepLoad:
    return StepLoad(
        sequences=running,
        context_start=lengths.input_tokens,
        context_end=lengths.input_tokens + lengths.output_tokens,
        tokens_per_sequence=tokens_per_sequence,
    )


def _with_prompt(work: StepWork, base: StepLoad, lengths: Lengths, chunks: Quantity) -> StepLoad:
    replicas = 1 / work.sequence_share
    together = smaller(replicas, larger(1.0, ceil_div(base.sequences, lengths.output_tokens)))
    start = lengths.cached_tokens + lengths.new_tokens * (1 - 1 / chunks) / 2
    return StepLoad(
        sequences=base.sequences,
        context_start=base.context_start,
        context_end=base.context_end,
        tokens_per_sequence=base.tokens_per_sequence,
        prompt_tokens=lengths.new_tokens / chunks,
        prompts=1.0 / chunks,
        prompt_start=start,
        prompt_share=1 / together * np.ones_like(replicas)
        if isinstance(replicas, np.ndarray)
        else 1 / together,
    )
