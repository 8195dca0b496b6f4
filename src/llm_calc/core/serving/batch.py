"""Prefill and decode of requests that run together from start to end: single streams and static batches.

Pipeline stages of a server each work on a batch of their own, so that none of them waits for the others.
"""

from dataclasses import dataclass

from llm_calc.core.arrays import Quantity, ceil_div, larger, smaller
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import Draft
from llm_calc.core.serving.step import StepLoad, step_seconds

SECOND_STEP = 1.3
"""A step of two requests takes at most so many times one of a single request: both read the same weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Tokens of a request; ``cached_fraction`` of the prompt is in the cache already."""

    input_tokens: Quantity
    output_tokens: Quantity
    cached_fraction: Quantity = 0.0

    @property
    def cached_tokens(self) -> Quantity:
        """Prompt tokens that are not computed again [tokens].

        ``input tokens x cached fraction``.
        Definition: a prefix that the engine's cache holds.
        """
        return self.input_tokens * self.cached_fraction

    @property
    def new_tokens(self) -> Quantity:
        """Prompt tokens to compute, at least the last one [tokens].

        ``max(input tokens - cached tokens, 1)``.
        Definition: the last token has to be computed for its logits.
        """
        return larger(self.input_tokens - self.cached_tokens, 1)

    def scaled(self, fraction: float) -> "Lengths":
        """Prompts and answers of so much of these lengths, the same part of a prompt cached [tokens].

        ``input tokens x fraction``, ``output tokens x fraction``.
        Definition: what it says.
        """
        return Lengths(
            input_tokens=self.input_tokens * fraction,
            output_tokens=self.output_tokens * fraction,
            cached_fraction=self.cached_fraction,
        )


def prefill_seconds(work: StepWork, rates: Rates, requests: Quantity, lengths: Lengths) -> Quantity:
    """All prompts of a batch, in steps of at most ``kernels.prompt_tokens`` [s].

    ``chunks x step(tokens / chunks)``, each chunk at the mean position of its prompt; a prompt runs on one replica of
    attention, so that fewer prompts than replicas leave some idle. Pipeline stages either take turns (engines that
    send one batch through) or work on successive chunks at once; then ``g`` stages take ``(chunks + g - 1) / (chunks
    x g)`` of the time, but for the part of the gain that is lost; servers: ``in turn / g + (1 - 1 / g) x`` the largest
    chunk, since their last may be smaller.
    Source: Huang et al. 2019, GPipe (arXiv:1811.06965), the bubble of ``g - 1`` in ``chunks + g - 1`` turns; checked:
    2026-11-30, read as R. Raushan works it out (blog.rakeshraushan.org, "Pipeline parallelism").
    Leaves out: prompts of unequal lengths.
    """
    tokens, kernels = requests * lengths.new_tokens, rates.kernels
    chunks = ceil_div(tokens, kernels.prompt_tokens)
    seconds = chunks * _chunk_seconds(work, rates, requests, lengths, tokens / chunks)
    if kernels.stage_batches:
        longest = _chunk_seconds(work, rates, requests, lengths, smaller(tokens, kernels.prompt_tokens))
        return seconds / work.stages + (1 - 1 / work.stages) * longest
    if not kernels.stages_overlap:
        return seconds
    ideal = (chunks + work.stages - 1) / (chunks * work.stages)
    return seconds * (1 - (1 - ideal) * (1 - rates.overlap_loss_fraction))


def _chunk_seconds(
    work: StepWork, rates: Rates, requests: Quantity, lengths: Lengths, tokens: Quantity
) -> Quantity:
    """A step with so many tokens of these prompts, each halfway through its own."""
    chunks = requests * lengths.new_tokens / tokens
    per_prompt = larger(chunks / requests, 1.0)
    middle = lengths.new_tokens * (1 - 1 / per_prompt) / 2
    load = StepLoad(
        prompt_tokens=tokens,
        prompts=larger(requests / chunks, 1.0),
        prompt_start=lengths.cached_tokens + middle,
        prompt_share=1.0 / smaller(1.0 / work.sequence_share, larger(requests, 1.0)),
    )
    return step_seconds(work, load, rates)


def decode_seconds(
    work: StepWork, rates: Rates, sequences: Quantity, lengths: Lengths, tokens_per_sequence: Quantity = 1.0
) -> Quantity:
    """One decode step at the mean context of the answer, through all pipeline stages in turn [s].

    ``step(sequences, mean over input … input + output) x (1 + loss x (stages - 1))``, the loss only where stages
    overlap.
    Choice: the mean context stands for all steps of an answer, since a step's time is nearly linear in it.
    Leaves out: hand-overs between stages beyond the fitted loss.
    """
    start = lengths.input_tokens
    load = StepLoad(
        sequences=sequences,
        context_start=start,
        context_end=start + lengths.output_tokens,
        tokens_per_sequence=tokens_per_sequence,
    )
    seconds = step_seconds(work, load, rates)
    loss = rates.stage_loss_fraction if rates.kernels.stages_overlap else 0.0
    return seconds * (1 + loss * (work.stages - 1))


def within(alone: Quantity, step: Quantity) -> Quantity:
    """A token without a client beside a step of a server with as many requests, two at least [s].

    ``max(min(alone, step), step / 1.3)``; ``step``: one that no prompt interrupts, since a token of a loop takes less
    the longer answers are, and one alone does not.
    Choice: company never shortens a time, and two requests read the same weights as one.
    Leaves out: what differs between releases of runs with and without a client.
    """
    return larger(smaller(alone, step), step / SECOND_STEP)


def following_step_s(work: StepWork, rates: Rates, lengths: Lengths, draft: Draft) -> float:
    """Time a token of the decode step that would follow answers of a single token [s].

    ``step / tokens gained`` of one sequence.
    Definition: answers of one token have no further ones to take the time from.
    """
    step = decode_seconds(work, rates, 1.0, lengths, draft.checked_tokens)
    return float(draft.seconds_per_token(step))


def stages_at_once(work: StepWork, rates: Rates) -> Quantity:
    """Stages that work at once, each on a batch of its own [1].

    ``stages`` where ``kernels.stage_batches``, else 1: one batch passes all stages in turn.
    Source: vLLM ``vllm/v1/engine/core.py`` (a queue of as many batches as stages), SGLang
    ``managers/scheduler.py`` (``pp_max_micro_batch_size``) and TensorRT-LLM ``_torch/pyexecutor`` (sequences of
    ``max_batch_size x pp_size``); checked: 2026-11-30, read in stored versions.
    Leaves out: batches of unequal size.
    """
    return work.stages if rates.kernels.stage_batches else 1.0


def share_of(sequences: Quantity, stages: Quantity) -> Quantity:
    """Sequences in the batch of one stage [1].

    ``max(n / stages, min(n, 1))``.
    Definition: dealt evenly; of fewer than there are stages each is a batch of its own.
    """
    return larger(sequences / stages, smaller(sequences, 1.0))


def bubbles(rates: Rates, sequences: Quantity, stages: Quantity) -> Quantity:
    """How much longer steps take because stages wait for each other [1].

    ``1 + loss x (busy - 1) / stages``, ``busy = min(n, stages)``.
    Choice: as fitted of full batches (``stage_loss_fraction``); a sequence that is alone meets none of it.
    Leaves out: which stage waits for which.
    """
    busy = larger(smaller(sequences, stages), 1.0)
    return 1.0 + rates.stage_loss_fraction * (busy - 1.0) / stages


def passes(chunks: Quantity, stages: Quantity) -> Quantity:
    """Steps that a prompt of so many chunks takes, of which each stage works on another at once [1].

    ``(chunks + stages - 1) / stages``.
    Source: Huang et al. 2019, GPipe (arXiv:1811.06965), the bubble of ``g - 1`` in ``chunks + g - 1`` turns; checked:
    2026-11-30, read as R. Raushan works it out (blog.rakeshraushan.org, "Pipeline parallelism").
    Leaves out: chunks of unequal length.
    """
    return (chunks + stages - 1.0) / stages
