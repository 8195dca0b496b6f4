"""Text parts that only multimodal models have; most are twins of a text model under another name."""

from llm_calc.adapters.architectures.families.qwen import WINDOWS
from llm_calc.adapters.architectures.fields import Fields
from llm_calc.adapters.architectures.mixtures import (
    by_mlp_types,
    first_dense,
    mixture,
    shared_times,
    sparse_step,
)
from llm_calc.adapters.architectures.pieces import Decoder, gqa, mlp, norms, when
from llm_calc.adapters.architectures.registry import register
from llm_calc.adapters.architectures.windows import all_full, by_type, layer_types, sliding_everywhere

BIASES = when("attention_bias", "qkvo")

register(
    "qwen2_vl_text",
    "qwen2_5_vl_text",
    "qwen2_5_omni_text",
    read=Decoder(attention=gqa(biases="qkv", windows=WINDOWS)),
)
register("qwen3_vl_text", read=Decoder(attention=gqa(biases=BIASES, qk_norm="head")))
register(
    "qwen3_vl_moe_text",
    ignores=("sliding_window",),
    read=Decoder(
        attention=gqa(biases=BIASES, qk_norm="head"),
        feed_forward=mixture(experts="num_local_experts", sparse=sparse_step),
    ),
)
register(
    "qwen3_omni_moe_text",
    ignores=("sliding_window",),
    read=Decoder(attention=gqa(biases=BIASES, qk_norm="head"), feed_forward=mixture(sparse=sparse_step)),
)
register("glm4v_text", read=Decoder(attention=gqa(biases="qkv"), norms=norms(4)))
register("glm_ocr_text", read=Decoder(norms=norms(4)))
register(
    "glm4v_moe_text",
    read=Decoder(
        attention=gqa(biases=when("attention_bias", "qkv")),
        feed_forward=mixture(experts="n_routed_experts", sparse=first_dense(), shared_width=shared_times()),
    ),
)
register(
    "paddleocr_vl_text",
    read=Decoder(
        attention=gqa(biases=when("use_bias", "qkvo")), feed_forward=mlp(biases=when("use_bias", "gud"))
    ),
)
register(
    "cosmos3_edge_text",
    read=Decoder(attention=gqa(biases=BIASES), feed_forward=mlp(gated=False, biases=when("mlp_bias", "ud"))),
)
