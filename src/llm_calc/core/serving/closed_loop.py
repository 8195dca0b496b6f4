"""Continuous batching in closed form: a fixed number of requests always in flight.

Sequences decode together; whenever one ends, the next prompt enters and its chunks slow down a few steps of all
others. In steady state a token therefore takes one decode step and its share of other requests' prefills.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llm_calc.core.arrays import Condition, Quantity, larger, smaller
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.batch import Lengths, bubbles, passes, share_of, stages_at_once
from llm_calc.core.serving.picked import with_others
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import NO_DRAFT, Draft
from llm_calc.core.serving.step import StepLoad, step_seconds
from llm_calc.core.serving.traffic import Policy

_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyState:
    """Means of a closed loop: seconds a token, of a prompt's own steps, from prompt to prompt; sequences at once."""

    tpot_s: Quantity
    prefill_s: Quantity
    next_s: Quantity
    running: Quantity


def steady_state(
    work: StepWork,
    rates: Rates,
    lengths: Lengths,
    concurrency: Quantity,
    capacity: Quantity,
    draft: Draft = NO_DRAFT,
    budget_tokens: Quantity = 8192.0,
) -> SteadyState:
    """Means of a closed loop with a fixed number of requests in flight [s, sequences].

    ``tpot = decode / gained + f x (mixed - decode)``: ``decode`` is a step of ``running`` sequences at the mean
    context, ``gained`` the tokens that a sequence has of a step (1 without a draft). Other requests bring ``p =
    running x (1 - 1 / slots) / output x prompt`` prompt tokens for each token, every slot but the own one once a
    cycle; a step with prompts carries ``u = min(budget, max(g x prompt, p))`` of them and takes ``mixed``, and ``f = p
    / u`` of the steps do; where stages work at once (:mod:`.serving.batch`), a step is that of one stage's batch, with
    ``1 / stages`` of what runs and comes; ``g``: see :func:`gathered_prompts`. ``slots = min(concurrency, capacity)``,
    ``running``: ``min(capacity, concurrency x output x tpot / (output x tpot + prefill))``; ``capacity`` is what
    memory, engine and :func:`most_running` allow.
    Source: Little 1961 (doi:10.1287/opre.9.3.383), ``L = lambda x W``; checked: 2026-11-30, its entry in MathSciNet
    and the law as quoted, for what waits for its first token; Agrawal et al. 2024, Sarathi-Serve (arXiv:2403.02310)
    for chunks that ride on decode steps, its abstract read.
    Leaves out: variation of lengths and arrivals. A prompt runs on one attention replica; others have prompts of
    their own only if as many come a step.
    """
    limit, stages = smaller(concurrency, capacity), stages_at_once(work, rates)
    running, chunk = limit, smaller(lengths.new_tokens, budget_tokens)
    tpot = prefill = following = 0.0 * running
    for _ in range(_ROUNDS):
        base = _load(lengths, share_of(running, stages), draft.checked_tokens)
        decode = step_seconds(work, base, rates)
        mixed = _mixed(work, base, lengths, chunk, budget_tokens, rates)
        chunks = lengths.new_tokens / chunk
        prefill = passes(chunks, stages) * (mixed - decode) + decode
        following = chunks / stages * (mixed - decode) + decode
        coming = _coming(running, limit, lengths) / stages
        gathered = gathered_prompts(
            coming / lengths.new_tokens, rates.gather_steps, 1.0 / work.sequence_share
        )
        taken = smaller(larger(chunk * gathered, coming), budget_tokens / work.sequence_share)
        mixed = _again(mixed, taken != chunk, (work, base, lengths, taken, budget_tokens, rates))
        tpot = draft.seconds_per_token(decode) + coming / taken * (mixed - decode)
        tpot = tpot * bubbles(rates, running, stages)
        busy = lengths.output_tokens * tpot
        running = larger(smaller(limit, concurrency * busy / (busy + prefill)), smaller(limit, 1.0))
    return SteadyState(tpot_s=tpot, prefill_s=prefill, next_s=following, running=running)


def token_seconds(
    work: StepWork, rates: Rates, lengths: Lengths, running: Quantity, draft: Draft = NO_DRAFT
) -> Quantity:
    """A token of so many sequences that no prompt interrupts: what a loop of as many never comes below [s].

    ``decode / gained`` of :func:`steady_state`, without bubbles of stages.
    Definition: a step of ``running`` sequences at the mean context, of a stage's share where stages work at once.
    """
    share = share_of(running, stages_at_once(work, rates))
    return draft.seconds_per_token(step_seconds(work, _load(lengths, share, draft.checked_tokens), rates))


def most_running(
    work: StepWork,
    lengths: Lengths,
    budget_tokens: Quantity,
    policy: Policy = "mixed",
    stages: Quantity = 1.0,
) -> Quantity:
    """Sequences that decode at once when every step carries as many prompt tokens as it may [sequences].

    ``1 + stages x replicas x budget x output / prompt``: more would need prompts to enter faster than that. No such
    bound where decoding stops for prompts.
    Definition: in steady state as many prompts enter as answers end.
    """
    if policy == "prefill_first":
        return np.inf
    replicas = stages / work.sequence_share
    return 1.0 + budget_tokens * replicas * lengths.output_tokens / lengths.new_tokens


def _coming(running: Quantity, slots: Quantity, lengths: Lengths) -> Quantity:
    """Prompt tokens of other requests that come with each token: of every slot but the own one, once a cycle."""
    others = running * (1 - 1 / larger(slots, 1.0))
    return others / lengths.output_tokens * lengths.new_tokens


def gathered_prompts(prompts: Quantity, steps: Quantity, replicas: Quantity) -> Quantity:
    """Prompts that start in one step where replicas of attention wait for each other [sequences].

    ``max(1, min(replicas, prompts a step x steps))``: each on a replica of its own, so that none of them idles.
    Source: TensorRT-LLM ``tensorrt_llm/llmapi/llm_args.py``, ``AttentionDpConfig`` (``enable_balance``,
    ``timeout_iters``, ``batching_wait_iters``); checked: 2026-11-30, read; how many steps is fitted (``gather_steps``).
    Leaves out: that replicas have prompts of unequal length.
    """
    return larger(smaller(prompts * steps, replicas), 1.0)


def _load(lengths: Lengths, running: Quantity, tokens_per_sequence: Quantity) -> StepLoad:
    return StepLoad(
        sequences=running,
        context_start=lengths.input_tokens,
        context_end=lengths.input_tokens + lengths.output_tokens,
        tokens_per_sequence=tokens_per_sequence,
    )


def _mixed(
    work: StepWork, base: StepLoad, lengths: Lengths, taken: Quantity, budget_tokens: Quantity, rates: Rates
) -> Quantity:
    """The same step with so many prompt tokens."""
    return step_seconds(work, _with_prompts(work, base, lengths, taken, budget_tokens), rates)


def _again(mixed: Quantity, otherwise: Condition, asked: tuple[Any, ...]) -> Quantity:
    """The same where steps carry otherwise many prompt tokens than one chunk: of rows only those that do."""
    if isinstance(otherwise, np.ndarray):
        return with_others(mixed, otherwise, asked, _mixed)
    return _mixed(*asked) if otherwise else mixed


def _with_prompts(
    work: StepWork, base: StepLoad, lengths: Lengths, taken: Quantity, budget_tokens: Quantity
) -> StepLoad:
    """The same step with ``taken`` prompt tokens, of whole prompts or of chunks half through their prompts."""
    chunk = smaller(lengths.new_tokens, budget_tokens)
    prompts = taken / chunk
    return replace(
        base,
        prompt_tokens=taken,
        prompts=prompts,
        prompt_start=lengths.cached_tokens + (lengths.new_tokens - chunk) / 2,
        prompt_share=1.0 / smaller(1.0 / work.sequence_share, prompts),
    )
