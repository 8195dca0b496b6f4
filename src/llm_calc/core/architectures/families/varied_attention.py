"""Mixtures of experts whose attention differs between layers in more than the window."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from llm_calc.core.architectures.families.llama import BIASES
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import by_mlp_types, leading_dense, mixture, shared_times
from llm_calc.core.architectures.pieces import Decoder, LayerBlocks, gate_weight, gqa, norms, num_layers
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import FULL, SLIDING, all_full, by_type, layer_types
from llm_calc.core.blocks import Attention, Block, Custom, Parts


def _laguna_attention(f: Fields) -> LayerBlocks:
    """Query heads by layer, and a gate of every head or channel."""
    layers, shared = num_layers(f), f.int("num_attention_heads")
    given = f.ints("num_attention_heads_per_layer", None) or (shared,) * layers
    if len(given) < layers:
        raise f.refusal("num_attention_heads_per_layer", f"a list of {layers}")
    per_head = f.raw("gating") in (True, "per-head")
    f.agree(gating_types=["per_head" if per_head else "per_channel"] * layers)
    usual = gqa(biases=BIASES, qk_norm="head", windows=by_type(layer_types(all_full)))(f)

    def layer(index: int) -> tuple[Block, ...]:
        block, heads = cast("Attention", usual(index)[0]), given[index]
        gate = gate_weight(block.hidden, heads * (1 if per_head else block.head_dim), units=heads)
        return replace(block, heads=heads), Custom(name="gate", content=Parts(weights=(gate,)))

    return layer


register(
    "laguna",
    read=Decoder(
        attention=_laguna_attention,
        feed_forward=mixture(
            sparse=by_mlp_types(leading_dense()),
            shared_width=lambda f: f.int("shared_expert_intermediate_size"),
            router_bias=True,
        ),
    ),
)


def _cohere2_types(f: Fields, layers: int) -> tuple[str, ...]:
    """The dense layers at the start and the others each have a period of their own."""
    dense = f.int("first_k_dense_replace", 0, least=0)
    first, period = f.int("prefix_dense_sliding_window_pattern"), f.int("sliding_window_pattern")
    steps = [(index + 1, first) for index in range(dense)] + [
        (index + 1, period) for index in range(layers - dense)
    ]
    return tuple(SLIDING if position % step else FULL for position, step in steps)


def _cohere2_sparse(f: Fields, _: int) -> Callable[[int], bool]:
    dense = f.int("first_k_dense_replace", 0, least=0)
    return lambda index: index >= dense


register(
    "cohere2_moe",
    read=Decoder(
        attention=gqa(biases=BIASES, windows=by_type(layer_types(_cohere2_types))),
        feed_forward=mixture(
            width="intermediate_size",
            dense_width="prefix_dense_intermediate_size",
            sparse=by_mlp_types(_cohere2_sparse),
            shared_width=shared_times("num_shared_experts", "intermediate_size"),
        ),
        norms=norms(1),
    ),
)
