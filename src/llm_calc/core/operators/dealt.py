"""Caches whose tokens are dealt over the GPUs of a tensor-parallel group (decode context parallelism)."""

from collections.abc import Iterator
from dataclasses import replace

from llm_calc.core.model import Model
from llm_calc.core.operators.collectives import MESSAGE_BYTES
from llm_calc.core.operators.work import CollectiveWork, StepWork
from llm_calc.core.parallelism import Layout, largest_piece
from llm_calc.core.weights import Scores

RESULT_BYTES = 4
"""The logarithm of a head's sum travels in 32 bits."""
CALLS = 3
"""Collectives of a layer: queries, sums, results."""
NAME = "context gather and scatter"


def with_dealt_contexts(work: StepWork, model: Model, layout: Layout, ways: int) -> StepWork:
    """A step whose GPUs each keep every ``ways``-th token of a context [bytes, FLOP].

    A GPU reads ``1 / ways`` of the keys, with the heads of all ``ways``: bytes a key over ``ways``, FLOPs a key as
    before. Each layer gathers queries, ``heads x ways x qk x 2`` bytes a decoding token, and sums of ``heads x ways x
    4``, and scatters results, ``heads x ways x v x 2``; together half of what an all-reduce of as much moves.
    Source: vLLM 0.33.0 ``v1/attention/ops/dcp.py``, ``cp_lse_ag_out_rs``, and ``model_executor/layers/attention``;
    SGLang 0.5.23 ``srt/layers/dcp/comm.py``; checked: 2026-11-30, read.
    Leaves out: prompts, which gather the context before their chunk, and all-to-all in place of both collectives.
    """
    if ways == 1:
        return work
    context = tuple(replace(each, kv_bytes_per_key=each.kv_bytes_per_key / ways) for each in work.context)
    moved = list(_moved(model, layout, ways))
    if not moved:
        return replace(work, context=context)
    layers = len(moved)
    collective = CollectiveWork(
        name=NAME,
        calls=CALLS * layers,
        ranks=ways,
        bytes_per_token=sum(moved) / 2 / (CALLS * layers),
        token_share=work.sequence_share,
        decoding_only=True,
    )
    return replace(work, context=context, collectives=(*work.collectives, collective))


def _moved(model: Model, layout: Layout, ways: int) -> Iterator[float]:
    """What each layer with a cache gathers and scatters for a decoding token [bytes]."""
    for group in model.groups:
        for scores in group.parts.scores:
            for _ in range(group.calls):
                yield _layer_bytes(scores, layout, ways)


def _layer_bytes(scores: Scores, layout: Layout, ways: int) -> float:
    own = scores.heads * float(largest_piece(scores.units, layout.tensor)) / scores.units
    query = scores.qk_dim if scores.absorbed_qk_dim is None else scores.absorbed_qk_dim
    result = scores.v_dim if scores.absorbed_v_dim is None else scores.absorbed_v_dim
    return own * ways * ((query + result) * MESSAGE_BYTES + RESULT_BYTES)
