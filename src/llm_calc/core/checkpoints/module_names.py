"""How checkpoints and engines name the module of a tensor."""

from collections.abc import Iterator

from llm_calc.core.weights import Component

LAYER_WORDS = ("layers", "h", "blocks")

_HOLDERS: dict[Component, tuple[str, ...]] = {
    "attention": ("self_attn", "attn"),
    "mlp": ("mlp", "feed_forward"),
    "experts": (
        "mlp.experts.0",
        "block_sparse_moe.experts.0",
        "experts.0",
        "feed_forward.experts.0",
    ),
    "shared_experts": (
        *("mlp.shared_experts", "mlp.shared_expert"),
        *("feed_forward.shared_expert", "block_sparse_moe.shared_experts"),
    ),
    "ssm": ("linear_attn", "mamba", "self_attn", "conv"),
    "router": ("mlp.gate", "mlp.router", "block_sparse_moe.gate", "feed_forward.router", "feed_forward.gate"),
}
_MIXER_HOLDERS: dict[Component, tuple[str, ...]] = {
    "attention": ("mixer",),
    "mlp": ("mixer",),
    "experts": ("mixer.experts.0",),
    "shared_experts": ("mixer.shared_experts",),
    "ssm": ("mixer",),
    "router": ("mixer.gate",),
}
_RECURRENT_HOLDERS = (
    (("qwen3_next", "qwen3_5", "qwen4_exp", "olmo_hybrid"), ("linear_attn",)),
    (("bamba", "falcon_h1", "granitemoehybrid", "jamba", "zamba"), ("mamba",)),
    (("lfm2", "lfm3"), ("conv",)),
    (("bailing", "glm5_next", "kimi", "minimax"), ("self_attn",)),
)
"""What holds a recurrence in classes of types that begin so (transformers 5.24.0); attention may stand beside it."""
FED_FORWARD = "feed_forward"
_FED_FORWARD = ("bamba", "falcon_h1", "jamba", "lfm2", "lfm3", "llama4", "zamba")
"""Types that call feed-forward blocks, experts and routers so, and nothing ``mlp`` (transformers 5.24.0)."""
_OTHER_HOLDERS: dict[Component, tuple[str, ...]] = {
    "attention": ("attention", "mixer"),
    "mlp": ("ffn", "mixer"),
    "experts": ("ffn.experts.0", "moe.experts.0", "mixer.experts.0", "mlp.switch_mlp"),
    "shared_experts": ("ffn.shared_experts", "mixer.shared_experts", "share_expert", "shared_mlp"),
    "ssm": ("mixer", "attention"),
    "router": ("ffn.gate", "moe.gate", "mixer.gate"),
}
BARE = "deepseek_v4"
"""The beginning of types whose files have nothing before ``layers``."""
NATIVE = (BARE, "mixtral", "minimax", "phimoe")
"""Types whose own files use what are other names elsewhere: ``ffn``, ``w1``."""
BESIDE_EXPERTS = ("gemma4",)
"""Types that have a dense feed-forward block, called ``mlp``, and experts beside it in one layer."""
_BESIDE_HOLDERS: dict[Component, tuple[str, ...]] = {
    "experts": ("experts.0", "moe.experts.0"),
    "router": ("router", "router.proj"),
}
MIXERS = ("nemotron_h", "mamba", "falcon_mamba")
"""Types whose layers are all called ``mixer``."""
_OWN_NAMES = {
    "kv_a_proj": ("kv_a_proj_with_mqa",),
    "indexer_q_proj": ("indexer.wq_b", "index_q_proj"),
    "indexer_k_proj": ("indexer.wk", "index_k_proj"),
    "indexer_weights_proj": (
        "indexer.weights_proj",
        "indexers_proj",
    ),  # GLM's files drop ".weight" out of the name
    "in_proj_qkvz": ("in_proj_qkvz", "in_proj_qkv", "in_proj_z"),
    "in_proj_ba": ("in_proj_ba", "in_proj_b", "in_proj_a"),
    "shared_expert_gate": ("shared_expert_gate",),
}
_OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "q_proj": ("wq", "query", "q"),
    "k_proj": ("wk", "key", "k"),
    "v_proj": ("wv", "value", "v"),
    "o_proj": ("wo", "out_proj", "dense", "c_proj"),
    "q_a_proj": ("wq_a",),
    "q_b_proj": ("wq_b",),
    "kv_proj": ("wkv",),
    "o_a_proj": ("wo_a",),
    "o_b_proj": ("wo_b",),
    "compressor_kv_proj": ("compressor.wkv",),
    "compressor_gate_proj": ("compressor.wgate",),
    "gate_proj": ("w1", "linear"),
    "up_proj": ("w3", "linear_v", "fc1", "c_fc", "dense_h_to_4h", "linear_in"),
    "down_proj": ("w2", "linear_1", "fc2", "c_proj", "dense_4h_to_h", "linear_out"),
}
_FUSED: dict[str, tuple[str, ...]] = {
    "q_proj": ("qkv_proj", "query_key_value", "Wqkv", "wqkv", "W_pack", "c_attn", "in_proj_qkv"),
    "k_proj": ("qkv_proj", "query_key_value", "Wqkv", "wqkv", "W_pack", "c_attn", "in_proj_qkv"),
    "v_proj": ("qkv_proj", "query_key_value", "Wqkv", "wqkv", "W_pack", "c_attn", "in_proj_qkv"),
    "gate_proj": ("gate_up_proj", "w13"),
    "up_proj": ("gate_up_proj", "w13"),
    "q_a_proj": ("fused_qkv_a_proj", "fused_qkv_a_proj_with_mqa", "fused_wqa_wkv"),
    "kv_a_proj": ("fused_qkv_a_proj", "fused_qkv_a_proj_with_mqa"),
    "kv_proj": ("fused_wqa_wkv",),
    "compressor_kv_proj": ("compressor.fused_wkv_wgate",),
    "compressor_gate_proj": ("compressor.fused_wkv_wgate",),
}
_STACKED = {"gate_proj": "gate_up_proj", "up_proj": "gate_up_proj"}
"""Names of experts that are one tensor, as classes of transformers 5 hold them."""
FUSED_TYPES = (
    "phi3",
    "phi4",
    "gpt_neox",
    "falcon",
    "bloom",
    "gpt2",
    "glm",
    "baichuan",
    "gpt_oss",
    "llama4",
    "dbrx",
)
"""Types whose own files hold several of our tensors as one."""

ENDS: dict[Component, tuple[str, ...]] = {
    "lm_head": ("lm_head", "language_model.lm_head", "model.lm_head"),
    "embedding": (
        "model.embed_tokens",
        "model.language_model.embed_tokens",
        "language_model.model.embed_tokens",
        "backbone.embeddings",
    ),
}
_TOWERS = (
    "visual",
    "model.visual",
    "vision_tower",
    "model.vision_tower",
    "vision_model",
    "model.vision_model",
    "vision_tower.vision_model",
    "audio_tower",
    "model.audio_tower",
)
_TOWER_ATTENTION = ("blocks.0.attn.qkv", "encoder.layers.0.self_attn.q_proj", "encoder.blocks.0.wqkv")
_TOWER_MLP = ("blocks.0.mlp.linear_fc1", "encoder.layers.0.mlp.fc1", "encoder.blocks.0.mlp.fc0")
_PROJECTORS = (
    "visual.merger.linear_fc1",
    "model.visual.merger.linear_fc1",
    "multi_modal_projector.linear_1",
    "model.multi_modal_projector.linear_1",
    "mm_projector.proj.0",
    "patch_merge_mlp",
    "model.embed_vision.embedding_projection",
    "vision_embedder.proj",
    "mlp1.0",
)
OTHER_ENDS: dict[Component, tuple[str, ...]] = {
    "lm_head": ("output", "head", "embed_out", "backbone.lm_head"),
    "embedding": (
        "embed",
        "tok_embeddings",
        "transformer.wte",
        "backbone.embed_tokens",
    ),
}
TOWER_WORDS = frozenset(
    (
        *(
            "visual",
            "vision_tower",
            "vision_model",
            "vision_encoder",
            "audio_tower",
            "audio_model",
            "vit",
            "mlp1",
        ),
        *(
            "mm_projector",
            "multi_modal_projector",
            "patch_merge_mlp",
            "embed_vision",
            "embed_audio",
            "vision_embedder",
            "image_newline",
        ),
    )
)

SPECULATING = (
    "deepseek",
    "glm4_moe",
    "glm_moe_dsa",
    "qwen3_next",
    "qwen3_5",
    "mimo",
    "ernie4_5_moe",
    "nemotron_h",
    "bailing",
    "longcat",
    "minimax_m",
    "step3",
    "exaone",
    "kimi",
)
"""Beginnings of types whose files hold layers for speculation, which are not counted."""
NEVER_QUANTIZED = (
    "norm",
    "layernorm",
    "ln_f",
    "rotary_emb",
    "bias",
    "e_score_correction_bias",
    "conv1d",
    "A_log",
    "D",
    "dt_bias",
    "sinks",
)


def ends(component: Component, name: str, *, own: bool) -> tuple[str, ...]:
    """Names of what stands in no layer of the text model."""
    if component == "vision":
        return tuple(_tower_names(name))
    return (
        ENDS.get(component, (name,))
        if own
        else (*ENDS.get(component, (name,)), *OTHER_ENDS.get(component, ()))
    )


def _tower_names(name: str) -> Iterator[str]:
    """Names that a tensor of a tower has in one tower or another."""
    last = name.rpartition(".")[2]
    if not name.startswith("tower.layers."):
        yield from _PROJECTORS if "projector" in name or "merger" in name else ()
        yield from (f"{root}.{last}" for root in _TOWERS)
        return
    inner = _TOWER_MLP if last in ("gate_proj", "up_proj", "down_proj") else _TOWER_ATTENTION
    yield from (f"{root}.{each}" for root in _TOWERS for each in inner)


def tails(component: Component, name: str, model_type: str, *, own: bool) -> Iterator[str]:
    """What stands behind the layer's number: holder and name, in published files, or in other families and engines."""
    own = own and not model_type.startswith(NATIVE)
    holders = _holders(component, model_type, own=own)
    if name == "shared_expert_gate":
        yield "mlp.shared_expert_gate"
    elif component == "router":
        yield from holders
    elif component == "other":
        yield name
    else:
        names = tuple(_names(name, model_type, own=own))
        yield from (f"{holder}.{each}" for holder in holders for each in names)
        if component == "experts":
            yield from (f"{holder.removesuffix('.0')}.{_STACKED.get(name, name)}" for holder in holders)


def _holders(component: Component, model_type: str, *, own: bool) -> tuple[str, ...]:
    if own and model_type.startswith(MIXERS):
        return _MIXER_HOLDERS.get(component, ())
    if model_type.startswith(BESIDE_EXPERTS) and component in _BESIDE_HOLDERS:
        return _BESIDE_HOLDERS[component]
    usual = _HOLDERS.get(component, ())
    if own and component == "ssm":
        return next((holders for types, holders in _RECURRENT_HOLDERS if model_type.startswith(types)), usual)
    if own and component != "attention" and model_type.startswith(_FED_FORWARD):
        return tuple(holder for holder in usual if holder.startswith(FED_FORWARD))
    return usual if own else (*usual, *_OTHER_HOLDERS.get(component, ()))


def _names(name: str, model_type: str, *, own: bool) -> Iterator[str]:
    yield from _OWN_NAMES.get(name, (name,))
    if not own or model_type.startswith(FUSED_TYPES):
        yield from _FUSED.get(name, ())
    if not own:
        yield from _OTHER_NAMES.get(name, ())
