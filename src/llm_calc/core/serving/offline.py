"""The most output tokens a second: a long queue keeps as many sequences running as memory and engine allow."""

from dataclasses import dataclass, replace

import numpy as np

from llm_calc.core.arrays import Quantity, larger, smaller
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.batch import Lengths, bubbles, share_of, stages_at_once
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import NO_DRAFT, Draft
from llm_calc.core.serving.step import StepLoad, step_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """Steady state of a long queue: sequences at once, one step of a stage's share of them, tokens a second."""

    running: Quantity
    step_s: Quantity
    output_tokens_per_s: Quantity


def steady_state(
    work: StepWork,
    rates: Rates,
    lengths: Lengths,
    capacity: Quantity,
    limit: Quantity,
    draft: Draft = NO_DRAFT,
) -> Offline:
    """The steady state of a long queue [s, sequences, tokens/s].

    ``tokens/s = g x B / t(B / stages)`` with ``B = min(capacity, limit)``, stages as in
    :func:`.batch.stages_at_once`. A step gains ``g`` tokens for
    each sequence: 1 without a draft, with one never more than its answer has (the draft's own time comes on top of
    the step). Each step decodes ``b = B / stages`` sequences at half of their answers; those that replace finished ones
    bring ``p = g x b x input / output`` prompt tokens for it, which steps of ``u = max(chunk, p)`` of them carry: ``t =
    decode + p / u x (mixed(u) - decode)``. A step takes ``1 + loss x (stages - 1) /
    stages`` times as long for bubbles and hand-overs.
    Source: Yu et al. 2022, Orca (OSDI 2022), for batches that are formed anew in every step; checked: 2026-11-30, its
    abstract and notes on its third section read.
    Leaves out: the start and the end of the queue, and lengths that differ.
    """
    stages = stages_at_once(work, rates)
    running = larger(smaller(capacity, limit), 1.0)
    share = share_of(running, stages)
    decode = StepLoad(
        sequences=share,
        context_start=lengths.input_tokens,
        context_end=lengths.input_tokens + lengths.output_tokens,
        tokens_per_sequence=draft.checked_tokens,
    )
    gained = smaller(draft.tokens_per_step, lengths.output_tokens)
    chunk = smaller(lengths.new_tokens, rates.kernels.prompt_tokens)
    coming = gained * share / lengths.output_tokens * lengths.new_tokens
    taken = larger(chunk, coming)
    load = replace(
        decode,
        prompt_tokens=taken,
        prompts=taken / chunk,
        prompt_start=lengths.cached_tokens + (lengths.new_tokens - chunk) / 2,
    )
    step_s = step_seconds(work, load, rates)
    if draft.tokens or not np.all(coming >= chunk):
        alone = step_seconds(work, decode, rates)
        step_s = alone * draft.step_factor + coming / taken * (step_s - alone)
    step_s = step_s * bubbles(rates, running, stages)
    return Offline(running=running, step_s=step_s, output_tokens_per_s=running * gained / step_s)
