"""What the reference classes call the matrices of a layer, and which of a model's tensors one of them holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from llm_calc.core.weights import Component

USUAL_PLACES: Mapping[Component, str] = {
    "attention": "self_attn",
    "mlp": "mlp",
    "shared_experts": "mlp.shared_experts",
    "experts": "mlp.experts",
    "router": "mlp.gate",
    "ssm": "linear_attn",
}
LATENT = {"kv_a_proj": "kv_a_proj_with_mqa"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of a class: ``stack``.<layer>.<place of a part>.<matrix>, table and head.

    ``matrices``: those that are not called as here; of one name: one matrix. ``split``: those that are two matrices,
    the second as wide as its layer's ``out_proj`` is high, or each a half. ``linear_router``: a linear module.
    """

    stack: str = "model.layers"
    places: Mapping[Component, str] = field(default_factory=lambda: USUAL_PLACES)
    matrices: Mapping[str, str] = field(default_factory=lambda: LATENT)
    split: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    linear_router: bool = False
    table: str = "model.embed_tokens"
    head: str = "lm_head"


def _placed(names: Names | None = None, /, **places: str) -> Names:
    names = names or Names()
    return replace(names, places={**names.places, **places})  # type: ignore[dict-item]


def _called(names: Names | None = None, /, **matrices: str) -> Names:
    names = names or Names()
    return replace(names, matrices={**names.matrices, **matrices})


def _qkv(name: str) -> dict[str, str]:
    return dict.fromkeys(("q_proj", "k_proj", "v_proj"), name)


GATE_UP = dict.fromkeys(("gate_proj", "up_proj"), "gate_up_proj")
FOUR_H = {"up_proj": "dense_h_to_4h", "down_proj": "dense_4h_to_h"}
FC = {"up_proj": "fc1", "down_proj": "fc2"}
GPT = replace(
    _called(**_qkv("c_attn"), o_proj="c_proj", up_proj="c_fc", down_proj="c_proj"),
    stack="transformer.h",
    places={"attention": "attn", "mlp": "mlp"},
    table="transformer.wte",
)
BLOOM = replace(
    _called(**_qkv("query_key_value"), o_proj="dense", **FOUR_H),
    stack="transformer.h",
    places={"attention": "self_attention", "mlp": "mlp"},
    table="transformer.word_embeddings",
)
MIXER = _placed(attention="mixer", mlp="mixer", ssm="mixer", router="mixer.gate")
BACKBONE = replace(MIXER, stack="backbone.layers", table="backbone.embeddings")
LFM = _called(
    _placed(mlp="feed_forward", ssm="conv", experts="feed_forward.experts", router="feed_forward.gate"),
    gate_proj="w1",
    up_proj="w3",
    down_proj="w2",
    o_proj="out_proj",
)
GRANITE = _placed(router="block_sparse_moe.router", experts="block_sparse_moe.experts")
GRANITE_SHARED = _called(
    _placed(GRANITE, ssm="mamba", shared_experts="shared_mlp", mlp="shared_mlp"),
    **{f"shared_experts.{name}": "input_linear" for name in GATE_UP},
    **{"shared_experts.down_proj": "output_linear"},
)
SHARED_EXPERT = _placed(shared_experts="mlp.shared_expert")
SPLIT_DELTA = replace(
    SHARED_EXPERT,
    split={"in_proj_qkvz": ("in_proj_qkv", "in_proj_z"), "in_proj_ba": ("in_proj_b", "in_proj_a")},
)
USUAL = Names()
COMPARED: Mapping[str, Names] = {
    **dict.fromkeys(
        (
            "llama", "mistral", "ministral3", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "olmo", "olmo2",
            "olmo3", "cohere", "cohere2", "granite", "stablelm", "smollm3", "ernie4_5", "hunyuan_v1_dense", "seed_oss",
            "exaone4", "nemotron", "helium", "arcee", "apertus", "qwen3_moe", "mixtral", "olmoe", "minimax_m2",
            "ernie4_5_moe", "glm4_moe", "deepseek_v3", "dots1", "flex_olmo",
        ),
        USUAL,
    ),
    "bloom": BLOOM,
    "falcon": BLOOM,
    "glm": _called(**GATE_UP),
    "glm4": _called(**GATE_UP),
    "gpt2": GPT,
    "gpt_bigcode": GPT,
    "gpt_neox": replace(
        BLOOM, stack="gpt_neox.layers", places={"attention": "attention", "mlp": "mlp"}, table="gpt_neox.embed_in"
    ),
    "gpt_oss": _placed(router="mlp.router"),
    "gptj": replace(_called(GPT, **{n: n for n in _qkv("")}, o_proj="out_proj", up_proj="fc_in", down_proj="fc_out")),
    "granitemoe": GRANITE,
    "granitemoehybrid": GRANITE_SHARED,
    "granitemoeshared": GRANITE_SHARED,
    "hunyuan_v1_moe": replace(_placed(router="mlp.gate.wg", shared_experts="mlp.shared_mlp"), linear_router=True),
    "jamba": _placed(mlp="feed_forward", ssm="mamba", router="feed_forward.router", experts="feed_forward.experts"),
    "lfm2": LFM,
    "lfm2_moe": LFM,
    "minimax": _placed(ssm="self_attn"),
    "llama4_text": replace(
        _placed(
            mlp="feed_forward",
            shared_experts="feed_forward.shared_expert",
            router="feed_forward.router",
            experts="feed_forward.experts",
        ),
        linear_router=True,
    ),
    "falcon_mamba": BACKBONE,
    "mamba": BACKBONE,
    "mamba2": BACKBONE,
    "falcon_h1": _placed(ssm="mamba", mlp="feed_forward"),
    "nemotron_h": MIXER,
    "mpt": replace(
        _called(**_qkv("Wqkv"), o_proj="out_proj"),
        stack="transformer.blocks",
        places={"attention": "attn", "mlp": "ffn"},
        table="transformer.wte",
    ),
    "opt": replace(
        _called(o_proj="out_proj", **FC),
        stack="model.decoder.layers",
        places={"attention": "self_attn", "mlp": ""},
        table="model.decoder.embed_tokens",
    ),
    "phi": _called(o_proj="dense", **FC),
    "phi3": _called(**_qkv("qkv_proj"), **GATE_UP),
    "phimoe": replace(_placed(router="mlp.router"), linear_router=True),
    "qwen2_moe": SHARED_EXPERT,
    "qwen3_5_text": SPLIT_DELTA,
    "qwen3_next": SHARED_EXPERT,
    "recurrent_gemma": _placed(attention="temporal_block", ssm="temporal_block", mlp="mlp_block"),
    "rwkv": replace(
        _placed(attention="attention", ssm="feed_forward"),
        stack="rwkv.blocks",
        table="rwkv.embeddings",
        head="head",
    ),
    "starcoder2": _called(up_proj="c_fc", down_proj="c_proj"),
}  # fmt: skip
"""Names by type of model; of these transformers 5.24.0 and peft 0.21.2 were asked for names and numbers; checked:
2026-11-30, run."""
LIKE: Mapping[str, str] = {
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_text",
    "qwen3_5_moe_text": "qwen3_5_text",
    "llama4": "llama4_text",
    "deepseek_v2": "deepseek_v3",
    "gemma3": "gemma3_text",
}
"""Types whose layers have the names of another's."""
THREE_EXPERTS = ("gate_proj", "up_proj", "down_proj")
UNSTACKED: Mapping[str, tuple[str, str, str]] = {
    **dict.fromkeys(("mixtral", "minimax", "minimax_m2"), ("w1", "w3", "w2")),
    **dict.fromkeys(
        (
            "afmoe", "cohere2_moe", "deepseek_v2", "deepseek_v3", "deepseek_v32", "dots1", "ernie4_5_moe",
            "exaone_moe", "flex_olmo", "glm4_moe", "glm4_moe_lite", "glm4v_moe", "glm_moe_dsa", "hunyuan_v1_moe",
            "longcat_flash", "olmoe", "qwen3_moe", "qwen3_next", "qwen3_omni_moe", "sarvam_mla", "solar_open",
        ),
        THREE_EXPERTS,
    ),
}  # fmt: skip
"""Types whose experts peft reaches by what the matrices of each were called (gate, up, down) before they were stacked.

Source: transformers 5.24.0 ``conversion_mapping.py``, ``_MODEL_TO_CONVERSION_PATTERN``, and peft 0.21.2
``utils/transformers_weight_conversion.py``, ``_convert_peft_config_moe``; checked: 2026-11-30, read and run.
"""
WITHOUT_OUT_PROJ = frozenset({"falcon_h1", "falcon_mamba", "mamba", "mamba2", "nemotron_h"})
"""Types of whose layers peft refuses ``out_proj`` (``tuners/tuners_utils.py``); checked: 2026-11-30, run."""


def names_of(model_type: str) -> Names:
    """Names of a type's matrices; those of Llama's class where none was compared [1].

    Definition: the tables above.
    """
    return COMPARED.get(LIKE.get(model_type, model_type), USUAL)


def compared(model_type: str) -> bool:
    """Whether the names of a type were compared with the reference [1].

    Definition: it is in the tables above.
    """
    return LIKE.get(model_type, model_type) in COMPARED
