"""GLM-5-Next: Kimi delta attention, latent attention over pools of tokens that an indexer chooses, many streams."""

from collections.abc import Callable
from dataclasses import replace

from llm_calc.core.architectures.families.deepseek import indexer_types
from llm_calc.core.architectures.families.delta import kimi_delta
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, both, same, stated
from llm_calc.core.architectures.hyper import hyper_connections
from llm_calc.core.architectures.latent import sparse_indexer
from llm_calc.core.architectures.mixtures import by_mlp_types, mixture, shared_times
from llm_calc.core.architectures.pieces import Decoder, LayerBlocks, hidden_size, num_layers
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import FULL
from llm_calc.core.blocks import Block, Custom, LatentAttention, Parts
from llm_calc.core.weights import Cache, Weight, vector


def _types(_: Fields, layers: int) -> tuple[str, ...]:
    return tuple(FULL if index % 4 == 3 else LINEAR for index in range(layers))


def _attention(f: Fields) -> LatentAttention:
    """Latent attention without rotary positions."""
    return LatentAttention(
        hidden=hidden_size(f),
        heads=f.int("num_attention_heads"),
        q_rank=f.int("q_lora_rank"),
        kv_rank=f.int("kv_lora_rank"),
        nope_dim=f.int("qk_nope_head_dim"),
        rope_dim=f.int("qk_rope_head_dim", least=0),
        v_dim=f.int("v_head_dim"),
        biases="ao" if f.flag("attention_bias") else "",
        top_k=f.int("index_topk"),
    )


def _indexer(f: Fields) -> Block:
    """The lightning indexer over pools of ``index_kpool`` tokens, whose keys are a learned mean of theirs.

    Keeps the key, its weight in the mean and a mark of validity of every token.
    """
    hidden, dim, pool = hidden_size(f), f.int("index_head_dim"), f.int("index_kpool")
    plain = sparse_indexer(f, hidden, f.int("q_lora_rank")).parts()
    gate = Weight(name="indexer_pool_gate", component="attention", rows=hidden, cols=dim)
    return Custom(
        name="pooled_indexer",
        content=Parts(
            weights=(*plain.weights, gate, vector("indexer_pool_positions", "attention", pool * dim)),
            scores=tuple(replace(scores, tokens_per_key=pool) for scores in plain.scores),
            caches=(Cache(kind="latent", elements_per_token=2 * dim + 1),),
        ),
    )


def _indexed_attention(f: Fields) -> LayerBlocks:
    has_indexer = indexer_types(f, num_layers(f))
    attention, indexer = _attention(f), _indexer(f)
    return lambda index: (attention, indexer) if has_indexer(index) else (attention,)


def _streams(f: Fields) -> Block:
    streams = f.int("hc_mult")
    return hyper_connections(f, outputs=(2 + streams) * streams, scales=3, remixed=True)


def _three_dense(_: Fields, __: int) -> Callable[[int], bool]:
    return lambda index: index >= 3


register(
    "glm5_next_text",
    read=Decoder(
        attention=both(
            same(_streams),
            alternating(
                stated(_types),
                {FULL: _indexed_attention, "indexed_attention": _indexed_attention, LINEAR: same(kimi_delta)},
            ),
        ),
        feed_forward=mixture(
            experts="n_routed_experts", sparse=by_mlp_types(_three_dense), shared_width=shared_times()
        ),
    ),
)
