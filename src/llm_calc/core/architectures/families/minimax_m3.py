"""MiniMax M3: grouped attention, block-sparse in some layers, and experts with a shared one.

Published files put the indexer's sizes into ``sparse_attention_config`` and list sparse layers as ``moe_layer_freq``.
"""

from collections.abc import Callable

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import by_mlp_types, every_layer, mixture
from llm_calc.core.architectures.pieces import (
    LayerBlocks,
    assemble,
    gqa,
    hidden_size,
    norms,
    num_layers,
)
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.windows import FULL, layer_types
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Cache, Scores, Weight, vector

SPARSE = "minimax_m3_sparse"


def _types(f: Fields, layers: int) -> tuple[str, ...]:
    """Where the file has no types: 1 in ``sparse_attention_freq`` is a layer with an indexer."""
    marks = f.mapping("sparse_attention_config", None).get("sparse_attention_freq")
    if not isinstance(marks, list):
        return (FULL,) * layers
    if len(marks) != layers:
        raise f.refusal("sparse_attention_config.sparse_attention_freq", f"a list of {layers} numbers")
    return tuple(SPARSE if mark else FULL for mark in marks)


def _by_frequency(f: Fields, layers: int) -> Callable[[int], bool]:
    """1 in a list ``moe_layer_freq`` is a layer of experts; every layer without such a list."""
    marks = f.raw("moe_layer_freq", None)
    if not isinstance(marks, list):
        return every_layer(f, layers)
    if len(marks) != layers:
        raise f.refusal("moe_layer_freq", f"a list of {layers} numbers")
    return lambda index: bool(marks[index])


def _index_size(f: Fields, key: str, published: str) -> int:
    stated = f.mapping("sparse_attention_config", None).get(published)
    return stated if isinstance(stated, int) and stated > 0 else f.int(key)


def _indexer(f: Fields) -> Block:
    """Small query heads and one key head, each with a norm, that choose blocks of keys; its keys are cached."""
    hidden, heads = hidden_size(f), _index_size(f, "index_n_heads", "sparse_num_index_heads")
    width = _index_size(f, "index_head_dim", "sparse_index_dim")
    parts = Parts(
        weights=(
            Weight(name="indexer_q_proj", component="attention", rows=hidden, cols=heads * width),
            Weight(name="indexer_k_proj", component="attention", rows=hidden, cols=width),
            vector("indexer_norms", "attention", 2 * width),
        ),
        scores=(Scores(name="indexer_scores", heads=heads, qk_dim=width, v_dim=0),),
        caches=(Cache(kind="latent", elements_per_token=width),),
    )
    return Custom(name="indexer", content=parts)


@family("minimax_m3_vl_text")
def minimax_m3(f: Fields) -> Model:
    """Layers of norms, attention (with an indexer where the types say so), dense or routed feed-forward."""
    layers = num_layers(f)
    kinds = layer_types(_types, kinds=frozenset({FULL, SPARSE}))(f, layers)
    f.agree(attention_output_gate=False, n_shared_experts=1, qk_norm_type="per_head", use_gemma_norm=True)
    f.agree(use_qk_norm=True, use_routing_bias=True)
    indexer: tuple[Block, ...] = (_indexer(f),) if SPARSE in kinds else ()
    pieces: list[LayerBlocks] = [norms()(f), gqa(qk_norm="head")(f), _feed_forward(f)]
    stack = [
        (*(block for piece in pieces for block in piece(index)), *(indexer if kinds[index] == SPARSE else ()))
        for index in range(layers)
    ]
    return assemble(f, stack)


def _feed_forward(f: Fields) -> LayerBlocks:
    piece = mixture(
        experts="num_local_experts",
        width="intermediate_size",
        dense_width="dense_intermediate_size",
        sparse=by_mlp_types(_by_frequency),
        shared_width=lambda g: g.int("shared_intermediate_size"),
    )
    return piece(f)


def _text_alone(f: Fields) -> Model:
    """The text part at a file's own level; further keys repeat what the layers' marks and widths say."""
    marks = f.raw("moe_layer_freq", None)
    dense = marks.index(1) if isinstance(marks, list) and 1 in marks else 0
    f.agree(first_k_dense_replace=dense, moe_intermediate_size=f.int("intermediate_size"))
    return minimax_m3(f)


register("minimax_m3", defaults="minimax_m3_vl_text", read=_text_alone)
