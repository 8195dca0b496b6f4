"""What speaks in Qwen's omni models: a talker that turns the thinker's states into codes of sound.

A talker is a decoder of its own, with a cache of its own; it runs for spoken answers alone.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Weights,
    as_tower,
    depth,
    gated,
    linear,
    norm,
    table,
    two_layers,
)
from llm_calc.core.blocks import Attention, Norm


def qwen2_5_talker(f: Fields) -> Weights:
    """Qwen2.5-Omni: a decoder in the shape of Qwen2 whose embeddings are as wide as the thinker's."""
    hidden, outer, codes = f.int("hidden_size"), f.int("embedding_size"), f.int("vocab_size")
    heads = f.int("num_attention_heads")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=heads,
        kv_heads=f.optional_int("num_key_value_heads", least=1) or heads,
        head_dim=f.optional_int("head_dim", least=1) or hidden // heads,
        gated=True,
        biases="qkv",
        norm_bias=False,
    )
    return (
        linear("talker.thinker_to_talker", outer, hidden),
        table("talker.embedding", codes, outer),
        *encoder.weights("talker.layers"),
        norm("talker.final_norm", hidden, bias=False),
        linear("talker.codec_head", hidden, codes, bias=False),
    )


def qwen3_talker(f: Fields) -> Weights:
    """Qwen3-Omni: two perceptrons from the thinker's width, a mixture of experts, and what predicts further codes."""
    text = f.part("text_config")
    hidden, inner = text.int("hidden_size"), text.int("intermediate_size")
    widths = (f.int("thinker_hidden_size"), inner, hidden)
    codes = text.int("vocab_size")
    head = linear("talker.codec_head", hidden, codes, bias=False)
    return (
        *two_layers("talker.text_projection", widths),
        *two_layers("talker.hidden_projection", widths),
        table("talker.embedding", codes, hidden),
        *_mixture(text, hidden),
        norm("talker.final_norm", hidden, bias=False),
        *(() if f.flag("tie_word_embeddings") else (head,)),
        *_code_predictor(f.part("code_predictor_config")),
    )


def _mixture(f: Fields, hidden: int) -> Weights:
    """Every layer is sparse, whatever ``mlp_only_layers`` and ``decoder_sparse_step`` say."""
    layers, heads = depth(f), f.int("num_attention_heads")
    head_dim = f.optional_int("head_dim", None, least=1) or hidden // heads
    experts = f.int("num_experts")
    shared = f.int("shared_expert_intermediate_size")
    attention = Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=f.optional_int("num_key_value_heads", least=1) or heads,
        head_dim=head_dim,
        biases="qkvo" if f.flag("attention_bias") else "",
        vector_params=2 * head_dim,
    )
    own = (*attention.parts().weights, *Norm(width=hidden, count=2).parts().weights)
    return (
        *as_tower(own, "talker.layers", layers),
        linear("talker.router", hidden, experts, bias=False, copies=layers),
        *gated("talker.experts", (hidden, f.int("moe_intermediate_size"), hidden), copies=layers * experts),
        *gated("talker.shared_expert", (hidden, shared, hidden), copies=layers),
        linear("talker.shared_expert_gate", hidden, 1, bias=False, copies=layers),
    )


def _code_predictor(f: Fields) -> Weights:
    """A small decoder for the other groups of codes, with a table and a head for each."""
    hidden, heads, codes = f.int("hidden_size"), f.int("num_attention_heads"), f.int("vocab_size")
    head_dim = f.optional_int("head_dim", least=1) or hidden // heads
    others = f.int("num_code_groups") - 1
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=heads,
        kv_heads=f.optional_int("num_key_value_heads", least=1) or heads,
        head_dim=head_dim,
        gated=True,
        biases="qkvo" if f.flag("attention_bias") else "",
        norm_bias=False,
        vectors=2 * head_dim,
    )
    ends: Weights = ()
    if others:
        ends = (
            table("code_predictor.embedding", codes, hidden, copies=others),
            linear("code_predictor.lm_head", hidden, codes, bias=False, copies=others),
        )
    return (
        *encoder.weights("code_predictor.layers"),
        norm("code_predictor.final_norm", hidden, bias=False),
        *ends,
    )
