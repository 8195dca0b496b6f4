"""Seconds of one engine step: the sum of its operators, each under its own roofs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from llm_calc.core.arrays import Condition, Quantity, ceil_div, larger, smaller, where
from llm_calc.core.operators.context import mean_visited_keys, visited_pairs
from llm_calc.core.operators.work import GROUPS, CollectiveWork, ContextWork, LinearWork, StepWork
from llm_calc.core.serving.machine import multiply_seconds, overlapped, pair_seconds
from llm_calc.core.serving.rates import Rates

LEAST_PADDING_ROWS = 8  # the narrow side of a tensor core's smallest tile


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLoad:
    """What a step carries, of the whole deployment.

    ``sequences`` decode one token each at contexts that grow from ``context_start`` to ``context_end`` tokens (the
    step is the mean over that growth). ``prompt_tokens`` belong to ``prompts`` prompts of which each chunk follows
    ``prompt_start`` tokens. ``prompt_share``: largest part of the prompt tokens that one attention replica has.
    ``tokens_per_sequence``: above 1 where speculative decoding checks several tokens in one step.
    """

    sequences: Quantity = 0.0
    context_start: Quantity = 0.0
    context_end: Quantity = 0.0
    prompt_tokens: Quantity = 0.0
    prompts: Quantity = 0.0
    prompt_start: Quantity = 0.0
    prompt_share: Quantity | None = None
    tokens_per_sequence: Quantity = 1.0

    @property
    def decode_tokens(self) -> Quantity:
        """Tokens of decoding sequences that go through the layers [tokens].

        ``sequences x tokens a sequence``.
        Definition: one each, more with speculative decoding.
        """
        return self.sequences * self.tokens_per_sequence


def touched_fraction(work: LinearWork, tokens: Quantity, exponent: Quantity) -> Quantity:
    """Share of the experts that a step of ``tokens`` reads; dense: all [1].

    ``1 - (1 - k / E)^(tokens^exponent)``.
    Choice: at exponent 1 the chance that one of so many tokens takes an expert, for uniform and independent routing;
    the exponent is fitted (``routing_exponent``).
    Leaves out: experts that one model prefers.
    """
    if not isinstance(work.experts, np.ndarray):
        return 1 - (1 - work.top_k / work.experts) ** (tokens**exponent) if work.experts else 1.0
    dense = work.experts < 1
    ratio = work.top_k / larger(work.experts, 1)
    missed = (1 - where(dense, 0.0, ratio)) ** (tokens**exponent)
    return where(dense, 1.0, 1 - missed)


def linear_tokens(work: LinearWork, load: StepLoad) -> Quantity:
    """Tokens of a step that reach this GPU's copy of a matrix [tokens].

    ``decoding tokens x share + prompt tokens x share``; the head sees only the last token of each prompt.
    Definition: data-parallel attention splits sequences, dealt experts see the tokens of all.
    """
    return _tokens(work.token_share, load, load.prompts if work.group == "lm_head" else load.prompt_tokens)


def _tokens(token_share: Quantity, load: StepLoad, prompt_tokens: Quantity) -> Quantity:
    """Of decoding sequences and of prompts; without prompts nothing is asked about their share."""
    if not isinstance(prompt_tokens, np.ndarray) and not prompt_tokens:
        return load.decode_tokens * token_share
    return load.decode_tokens * token_share + prompt_tokens * _prompt_share(token_share, load)


def _prompt_share(token_share: Quantity, load: StepLoad) -> Quantity:
    if load.prompt_share is None:
        return token_share
    return larger(token_share, load.prompt_share * where(_below_one(token_share), 1.0, 0.0))


def _below_one(value: Quantity) -> Condition:
    return value < 1.0


def linear_seconds(
    work: LinearWork, tokens: Quantity, rates: Rates, touched: Quantity | None = None
) -> tuple[Quantity, Quantity]:
    """Time of one matrix or group of matrices under the memory roof, and under the compute roof [s].

    ``weight bytes x touched_fraction / reached bytes/s + tokens x activation bytes / reached bytes/s``, and ``(tokens
    + saturation) x FLOPs / reached FLOP/s``, tokens in whole tiles; ``touched``: that fraction, where it is known.
    Source: as :func:`.throughput.roofline`; checked: 2026-11-30; the constant ``saturation_tokens`` is fitted.
    Leaves out: the shapes of single kernels.
    """
    reached = rates.linear[GROUPS.index(work.group)]
    if touched is None:
        touched = touched_fraction(work, tokens, rates.routing_exponent)
    read_s = work.weight_bytes * touched / reached.bytes_per_s
    moved_s = read_s + tokens * work.activation_bytes_per_token / rates.activation_bytes_per_s
    if isinstance(work.experts, np.ndarray) or work.experts:
        tokens = tokens + padded_tokens(work, tokens, touched, rates.expert_pad_rows)
    return moved_s, multiply_seconds(work, tokens, read_s, rates)


def padded_tokens(work: LinearWork, tokens: Quantity, touched: Quantity, rows: Quantity) -> Quantity:
    """Tokens whose arithmetic the padding of grouped matrices costs; dense: none [tokens].

    ``min(rows x touched / k, 8 x touched / k + tokens)``: each touched expert multiplies so many rows beside its own,
    at most 8 more than its own, since kernels take small tiles for few; a token has k experts.
    Choice: constant rows an expert, fitted with kernel timings as prior (``docs/performance.md``).
    Leaves out: which tiles there are.
    """
    each = touched * work.experts / larger(work.top_k, 1)
    return smaller(rows * each, LEAST_PADDING_ROWS * each + tokens)


def context_keys(work: ContextWork, share: Quantity, load: StepLoad) -> Quantity:
    """Cached keys that all decoding sequences of this GPU visit in one step [keys].

    ``own_sequences x mean_visited_keys``.
    Definition: see :func:`own_sequences` and :func:`.context.mean_visited_keys`.
    """
    return own_sequences(share, load) * mean_visited_keys(work, load.context_start, load.context_end)


def own_sequences(share: Quantity, load: StepLoad) -> Quantity:
    """Decoding sequences of the replica of attention that has most [sequences].

    ``max(share x sequences, min(sequences, 1))``: one sequence is not divided.
    Definition: replicas wait for the one that has most.
    """
    return larger(share * load.sequences, smaller(load.sequences, 1.0))


def context_seconds(
    work: ContextWork, share: Quantity, load: StepLoad, rates: Rates
) -> tuple[Quantity, Quantity]:
    """Decode attention of all sequences of this GPU under the memory and the compute roof [s].

    ``keys x bytes a key / reached bytes/s``, and ``tokens a sequence x keys x FLOPs a key / reached FLOP/s``.
    Source: as :func:`.throughput.roofline`; checked: 2026-11-30.
    Leaves out: sequences of unequal length in one kernel.
    """
    keys = context_keys(work, share, load)
    return keys * work.kv_bytes_per_key / rates.kv_bytes_per_s, (
        load.tokens_per_sequence * keys * work.decode_flops_per_key / rates.decode_attention_flops_per_s
    )


def prompt_attention_seconds(work: ContextWork, step: StepWork, load: StepLoad, rates: Rates) -> Quantity:
    """Time of the prompt chunks' scores against themselves and what came before them [s].

    ``share x prompts x visited_pairs x pair_seconds``.
    Source: as :func:`.flops.executed_prefill_flops`: causal kernels skip what the mask hides; checked: 2026-11-30.
    Leaves out: the read of the chunk's past, which a long chunk hides behind its arithmetic.
    """
    if not isinstance(load.prompts, np.ndarray) and not load.prompts:
        return 0.0
    per_prompt = load.prompt_tokens / larger(load.prompts, 1e-9)
    pairs = load.prompts * visited_pairs(work, load.prompt_start, per_prompt)
    share = _prompt_share(step.sequence_share, load)
    return where(load.prompts > 0, share * pairs * pair_seconds(work, rates), 0.0)


def collective_tokens(work: CollectiveWork, load: StepLoad) -> Quantity:
    """Tokens whose activations one collective moves [tokens].

    ``decoding tokens x share + prompt tokens x share``.
    Definition: as :func:`linear_tokens`.
    """
    if work.decoding_only:
        return load.decode_tokens * work.token_share
    return _tokens(work.token_share, load, load.prompt_tokens)


def collective_seconds(work: CollectiveWork, load: StepLoad, rates: Rates) -> Quantity:
    """Time of all collectives of one kind in a step [s].

    ``calls x (latency x (1 + d x log2(n / 2)) + 2 (n - 1) / n x bytes / reached link bytes/s)`` over n ranks.
    Source: ``doc/PERFORMANCE.md`` of NVIDIA's nccl-tests, the all-reduce; checked: 2026-11-30, read; latency and d
    are fitted. What decoding tokens alone need is not there without any.
    Leaves out: overlap with computing, and reductions inside of switches.
    """
    tokens = collective_tokens(work, load)
    latency = rates.collective_s * (1 + rates.collective_doubling * _log2(larger(work.ranks, 2) / 2))
    ring = 2 * (work.ranks - 1) / larger(work.ranks, 1)
    seconds = work.calls * (latency + ring * tokens * work.bytes_per_token / rates.link_bytes_per_s)
    return where(tokens > 0, seconds, 0.0) if work.decoding_only else seconds


def _log2(value: Quantity) -> Quantity:
    return np.log2(value) if isinstance(value, np.ndarray) else math.log2(value)


def launch_seconds(step: StepWork, load: StepLoad, rates: Rates) -> Quantity:
    """Costs of layers, of the step and of its sequences that no roof explains [s].

    ``sum over kinds of layers x seconds a layer + dense matrices x seconds a product + seconds a step + seconds a
    sequence x sequences``; products of quantized activations also quantize them.
    Choice: constants of an engine and a class of chips, fitted by ``make calibrate`` (``docs/accuracy.md``).
    Leaves out: batch sizes that have no captured graph.
    """
    counts = step.counts
    layers = (
        counts.layers * rates.layer_s
        + counts.expert_layers * rates.expert_layer_s
        + counts.latent_layers * rates.latent_layer_s
        + counts.sparse_layers * rates.sparse_layer_s
        + counts.recurrent_layers * rates.recurrent_layer_s
    )
    for work in step.linear:
        layers = layers + work.calls * rates.linear[GROUPS.index(work.group)].call_s
    return layers + rates.step_s + rates.sequence_s * own_sequences(step.sequence_share, load)


def step_seconds(step: StepWork, load: StepLoad, rates: Rates) -> Quantity:
    """One step on a single pipeline stage that holds the whole model [s].

    ``sum over operators of (memory^p + compute^p)^(1/p) + prompt attention + 2 x state / reached bytes/s +
    collectives + launches``; with prompts at least ``prefill_floor_s``, joined by the same rule.
    Choice: operators run one after another; see :func:`.serving.machine.overlapped` for the rule.
    Leaves out: overlap between operators.
    """
    total: Quantity = host_seconds(step, load, rates)
    for part in _parts(step, load, rates):
        total = total + part
    return with_launches(total, step, load, rates)


def with_launches(operators_s: Quantity, step: StepWork, load: StepLoad, rates: Rates) -> Quantity:
    """A step whose operators take so long [s].

    ``operators + launches``, with prompts, or without captured graphs, at least ``prefill_floor_s``, joined by
    :func:`.serving.machine.overlapped`.
    Definition: the sum of :func:`step_seconds`.
    """
    launched = (load.prompt_tokens > 0) | (not rates.kernels.captured)
    floor = where(launched, prefill_floor_s(step, rates), 0.0)
    return overlapped(operators_s + launch_seconds(step, load, rates), floor)


def prefill_floor_s(step: StepWork, rates: Rates) -> Quantity:
    """Least time of a step with prompt tokens, which engines run without captured graphs [s].

    ``layers x prefill_layer_s + (layers with experts + latent + sparse + recurrent mixers) x prefill_more_s``: what
    launches more kernels takes longer to launch.
    Choice: a constant a layer of an engine and a class of chips, fitted by ``make calibrate`` (``docs/accuracy.md``).
    Leaves out: graphs captured for prompts too.
    """
    counts = step.counts
    more = counts.expert_layers + counts.latent_layers + counts.recurrent_layers + counts.sparse_layers
    return rates.prefill_layer_s * counts.layers + rates.prefill_more_s * more


def host_seconds(step: StepWork, load: StepLoad, rates: Rates) -> Quantity:
    """What a step takes on the host, where part of the model lies with it; GPU and host take turns [s].

    ``its operators under its own roofs + crossings x seconds``; from so many tokens on its matrices are copied to the
    GPU instead: ``ceil(tokens / micro batch) x bytes / copy rate + the GPU's own time for them``.
    Source: llama.cpp v0.5.0 ``ggml/src/ggml-backend.cpp`` (``op_offload``) and ``ggml/src/ggml-cuda/ggml-cuda.cu``
    (``min_batch_size`` 32); checked: 2026-11-29.
    Leaves out: copies that hide behind arithmetic.
    """
    host, reached = step.host, rates.host
    if host is None or reached is None:
        return 0.0
    tokens = load.decode_tokens + load.prompt_tokens
    passes = ceil_div(tokens, reached.micro_batch_tokens)
    own: Quantity = 0.0
    copied: Quantity = 0.0
    for work in host.linear:
        reaching = linear_tokens(work, load)
        own = own + overlapped(*linear_seconds(work, reaching, reached.rates))
        bytes_once = work.weight_bytes * touched_fraction(work, reaching, rates.routing_exponent)
        copied = copied + passes * bytes_once / reached.copy_bytes_per_s
        copied = copied + overlapped(*linear_seconds(work, reaching, rates), rates.kernels.overlap_exponent)
    rest = sum(_parts(replace(host, linear=()), load, reached.rates), start=0.0 * tokens)
    rest = rest + launch_seconds(host, load, reached.rates) + reached.crossings_s
    return where(tokens >= reached.copied_from_tokens, copied, own) + rest


def _parts(step: StepWork, load: StepLoad, rates: Rates) -> Iterator[Quantity]:
    exponent = rates.kernels.overlap_exponent
    for work in step.linear:
        yield overlapped(*linear_seconds(work, linear_tokens(work, load), rates), exponent)
    for context in step.context:
        yield overlapped(*context_seconds(context, step.sequence_share, load, rates), exponent)
        yield prompt_attention_seconds(context, step, load, rates)
    yield 2 * step.state_bytes * own_sequences(step.sequence_share, load) / rates.state_bytes_per_s
    for collective in step.collectives:
        yield collective_seconds(collective, load, rates)
