"""Configurations of types that nobody registered, read by what their keys tell. Never exact.

Grouped or latent attention, windows by ``layer_types``, gated feed-forward, experts where keys speak of them.
What keys tell of recurrent layers, encoders or other modalities is refused: no key says how those are built.
"""

from dataclasses import replace

from llm_calc.core.architectures.defaults import ClassDefaults
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.latent import everywhere, latent
from llm_calc.core.architectures.mixtures import Sparse, mixture
from llm_calc.core.architectures.pieces import Decoder, Piece, gqa, mlp
from llm_calc.core.architectures.windows import (
    LAYER_KINDS,
    SLIDING,
    Windows,
    all_full,
    by_type,
    full_every,
    layer_types,
    sliding_everywhere,
)
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.model import Model

SPELLINGS = {
    "hidden_size": ("n_embd", "d_model", "n_embed", "embed_dim", "model_dim", "dim"),
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("n_head", "n_heads", "num_heads"),
    "num_key_value_heads": (
        "n_head_kv",
        "n_kv_heads",
        "num_kv_heads",
        "multi_query_group_num",
        "num_query_groups",
    ),
    "head_dim": ("kv_channels", "attention_head_dim"),
    "intermediate_size": ("ffn_hidden_size", "ffn_dim", "n_inner", "d_ff", "hidden_dim"),
    "vocab_size": ("padded_vocab_size", "n_vocab"),
    "max_position_embeddings": ("n_positions", "max_seq_len", "seq_length", "max_sequence_length"),
    "num_experts": ("n_routed_experts", "num_local_experts", "moe_num_experts"),
    "num_experts_per_tok": ("moe_topk", "moe_k", "moe_top_k", "num_experts_per_token", "top_k_experts"),
    "moe_intermediate_size": ("expert_ffn_hidden_size", "moe_ffn_hidden_size", "expert_intermediate_size"),
    "n_shared_experts": ("num_shared_experts", "moe_num_shared_experts", "num_shared_expert"),
    "shared_expert_intermediate_size": ("moe_shared_expert_intermediate_size", "shared_intermediate_size"),
    "first_k_dense_replace": ("num_dense_layers", "moe_layer_start_index"),
    "attention_bias": ("use_qkv_bias", "use_bias", "bias"),
    "use_qk_norm": ("qk_layernorm", "qk_norm"),
}
ABSENT = ClassDefaults(
    keys={
        "num_key_value_heads": None,
        "head_dim": None,
        "attention_bias": False,
        "qkv_bias": False,
        "mlp_bias": False,
        "sliding_window": None,
        "q_lora_rank": None,
        "tie_word_embeddings": False,
        "use_qk_norm": False,
        "decoder_sparse_step": 1,
        "mlp_only_layers": None,
        "first_k_dense_replace": 0,
        "n_shared_experts": 0,
    }
)
"""What is assumed of keys that a file leaves out: the feature is not there."""

OTHER_LAYERS = (
    "state_size", "ssm_state_size", "mamba_d_state", "mamba_config", "mamba_expand", "ssm_cfg", "linear_attn_config",
    "linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim", "conv_L_cache", "lru_width",
    "hybrid_override_pattern", "layers_block_type", "attn_type_list", "full_attn_idxs", "wkv_head_size",
)  # fmt: skip
ENCODERS = ("encoder_layers", "num_encoder_layers", "d_kv", "encoder_ffn_dim", "type_vocab_size")


def read_generic(f: Fields) -> Model:
    """A decoder by its keys.

    Raises:
        UnsupportedError: if the keys speak of layers that cannot be read without knowing the type.
        InvalidInputError: if a size is missing.
    """
    _refuse_other_layers(f)
    for key, spellings in SPELLINGS.items():
        f.also(key, *spellings)
    f.defaults = replace(ABSENT, parts=f.defaults.parts)
    f.assume("norms were taken as two RMS norms a layer, feed-forward blocks as gated, positions as rotary")
    if not f.given("tie_word_embeddings") and f.values.get("tie_word_embeddings") is not False:
        f.assume("tie_word_embeddings is absent: the output head was counted as a matrix of its own")
    return Decoder(attention=_attention(f), feed_forward=_feed_forward(f))(f)


def _refuse_other_layers(f: Fields) -> None:
    known = f"{f.path}.model_type: {f.model_type!r} is not known"
    found = [key for key in OTHER_LAYERS if f.given(key)]
    if found:
        raise UnsupportedError(
            f"{known}, and {', '.join(found)} speak of recurrent or linear layers, whose sizes depend on the type",
            field=f"{f.path}.model_type",
        )
    found = [key for key in ENCODERS if f.given(key)]
    if found or f.flag("is_encoder_decoder", default=False):
        raise UnsupportedError(
            f"{known}, and {', '.join(found) or 'is_encoder_decoder'} speak of an encoder; decoders are accepted",
            field=f"{f.path}.model_type",
        )


def _biases(f: Fields) -> str:
    if f.flag("attention_bias"):
        return "qkvo"
    return "qkv" if f.flag("qkv_bias") else ""


def _attention(f: Fields) -> Piece:
    if f.known("kv_lora_rank"):
        f.assume("kv_lora_rank is there: attention was read as latent, as in DeepSeek-V3")
        return latent(
            biases="ao" if _biases(f) else "", indexed=everywhere if f.known("index_topk") else None
        )
    f.int("num_attention_heads")
    norm = "head" if f.flag("use_qk_norm") else ""
    if norm:
        f.assume("norms of queries and keys were counted once a head width")
    return gqa(biases=_biases, qk_norm=norm, windows=_windows(f))


def _windows(f: Fields) -> Windows:
    if not f.known("sliding_window") or not f.flag("use_sliding_window", default=True):
        f.texts("layer_types", None)
        return by_type(_full_kinds)
    if f.given("layer_types"):
        return by_type(layer_types(all_full))
    if f.given("sliding_window_pattern"):
        return by_type(full_every(1, "sliding_window_pattern"))
    f.assume("sliding_window is there without layer_types: every layer was taken to see a window")
    return sliding_everywhere


def _full_kinds(f: Fields, layers: int) -> tuple[str, ...]:
    """All keys in all layers; refuses kinds that are no attention."""
    kinds = layer_types(all_full, kinds=LAYER_KINDS)(f, layers)
    return tuple("full_attention" if kind == SLIDING else kind for kind in kinds)


def _feed_forward(f: Fields) -> Piece:
    if not f.known("num_experts") or f.int("num_experts", least=0) <= 1:
        return mlp(biases=lambda fields: "gud" if fields.flag("mlp_bias") else "")
    width = "moe_intermediate_size" if f.known("moe_intermediate_size") else "intermediate_size"
    f.assume(f"num_experts is there: experts were read as gated, {width} wide, with a router of one matrix")
    return mixture(width=width, sparse=_sparse(f), shared_width=lambda fields: _shared_width(fields, width))


def _shared_width(f: Fields, width: str) -> int:
    if f.known("shared_expert_intermediate_size"):
        return f.int("shared_expert_intermediate_size", least=0)
    return (f.optional_int("n_shared_experts") or 0) * f.int(width)


def _sparse(f: Fields) -> Sparse:
    """By ``mlp_layer_types`` or a list of ``moe_layer_freq``, else by counts, steps and exceptions."""
    kinds = f.texts("mlp_layer_types", None)
    freq = f.raw("moe_layer_freq", 1)
    if kinds is not None:
        return lambda _, __: lambda index: kinds[index % len(kinds)] != "dense"
    if isinstance(freq, list):
        return lambda _, __: lambda index: bool(freq[index % len(freq)])
    first, every = f.int("first_k_dense_replace", least=0), f.int("moe_layer_freq", 1)
    step, dense = f.int("decoder_sparse_step"), frozenset(f.ints("mlp_only_layers") or ())

    def rule(index: int) -> bool:
        return index >= first and index % every == 0 and (index + 1) % step == 0 and index not in dense

    return lambda _, __: rule
