"""Decoders with grouped attention and experts, each with few peculiarities."""

from llm_calc.adapters.architectures.mixtures import first_dense, mixture, shared_times
from llm_calc.adapters.architectures.pieces import Decoder, gqa, when
from llm_calc.adapters.architectures.registry import register
from llm_calc.adapters.architectures.windows import (
    by_type,
    full_every,
    layer_types,
    sliding_everywhere,
)

register(
    "mixtral",
    read=Decoder(
        attention=gqa(windows=sliding_everywhere),
        feed_forward=mixture(experts="num_local_experts", width="intermediate_size"),
    ),
)
register(
    "minimax_m2",
    ignores=("use_qk_norm", "qk_norm_type", "use_routing_bias", "attn_type_list"),
    read=Decoder(
        attention=gqa(qk_norm="full"),
        feed_forward=mixture(experts="num_local_experts", width="intermediate_size"),
    ),
)
register(
    "gpt_oss",
    ignores=("experts_per_token", "initial_context_length"),
    read=Decoder(
        attention=gqa(
            biases=when("attention_bias", "qkvo"), sinks=True, windows=by_type(layer_types(full_every(2)))
        ),
        feed_forward=mixture(
            experts="num_local_experts", width="intermediate_size", biases="gud", router_bias=True
        ),
    ),
)
register(
    "glm4_moe",
    read=Decoder(
        attention=gqa(biases=when("attention_bias", "qkv"), qk_norm=when("use_qk_norm", "head")),
        feed_forward=mixture(experts="n_routed_experts", sparse=first_dense(), shared_width=shared_times()),
    ),
)
