"""GigaChat 3.5: gated delta nets beside gated latent attention, experts, and norms with a gate of low rank.

Source: ``gigachat35.py`` of the models and of the configurations of SGLang 0.5.23; ``checked: 2026-11-30``, read.
"""

from collections.abc import Mapping
from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, gated_delta, same, stated
from llm_calc.core.architectures.latent import LatentShape, latent
from llm_calc.core.architectures.mixtures import dense_then_step, mixture, shared_times
from llm_calc.core.architectures.notes import WITHOUT_PREDICTION
from llm_calc.core.architectures.pieces import (
    Decoder,
    LayerBlocks,
    final_norm,
    gate_weight,
    hidden_size,
    known_word,
    norms,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Component, Weight

LOW_RANK = 16
GATED = ("ZeroCenteredGatedNorm", "GatedNorm")
PLAIN = ("LlamaRMSNorm", "ZeroCenteredRMSNorm")
NOT_COUNTED = "no class of gigachat3_5 was counted: its layers were read in SGLang 0.5.23"
UNSAID: Mapping[str, object] = {
    "first_k_dense_replace": 1,
    "full_attention_layers": None,
    "gated_attention": True,
    "hidden_size": 1280,
    "intermediate_size": 896,
    "kv_lora_rank": 512,
    "layernorm_type": "pre_post",
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_num_key_heads": 8,
    "linear_num_value_heads": 16,
    "linear_value_head_dim": 128,
    "max_position_embeddings": 4096,
    "moe_intermediate_size": 896,
    "moe_layer_freq": 1,
    "n_routed_experts": 64,
    "n_shared_experts": 2,
    "norm_type": GATED[0],
    "num_attention_heads": 16,
    "num_experts_per_tok": 6,
    "num_hidden_layers": 12,
    "num_nextn_predict_layers": 0,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "tie_word_embeddings": False,
    "v_head_dim": 128,
    "vocab_size": 128256,
}


def _types(f: Fields, layers: int) -> tuple[str, ...]:
    """Linear, but for the layers that ``full_attention_layers`` names."""
    full = f.ints("full_attention_layers") or ()
    if any(index not in range(-layers, layers) for index in full):
        raise f.refusal("full_attention_layers", f"a list of layers below {layers}")
    return tuple(FULL if index in full or index - layers in full else LINEAR for index in range(layers))


def _gates(f: Fields, name: str, component: Component, width: int) -> tuple[Weight, ...]:
    """Down and up again, for norms of so many channels in all; nothing where norms are plain."""
    if known_word(f, "norm_type", *GATED, *PLAIN) not in GATED or not width:
        return ()
    return (
        Weight(name=f"{name}_gate_down", component=component, rows=width, cols=LOW_RANK),
        Weight(name=f"{name}_gate_up", component=component, rows=LOW_RANK, cols=width),
    )


def _norms(f: Fields) -> LayerBlocks:
    """The class builds two norms before the parts whatever it is told, two behind them where asked."""
    count = 2 if known_word(f, "layernorm_type", "pre_post", "pre", "post") == "pre" else 4
    gates = _gates(f, "norm", "norms", count * hidden_size(f))
    extra: tuple[Block, ...] = (Custom(name="norm_gates", content=Parts(weights=gates)),) if gates else ()
    plain = norms(count)(f)
    return lambda index: (*plain(index), *extra)


def _beside_attention(f: Fields) -> Parts:
    """The gate of the output, and those of the norms of the latents."""
    shape = LatentShape.of(f)
    weights = _gates(f, "latent_norm", "attention", (shape.q_rank or 0) + shape.kv_rank)
    if f.flag("gated_attention"):
        gate = gate_weight(hidden_size(f), shape.heads * shape.v_dim, units=shape.heads)
        weights = (*weights, gate)
    return Parts(weights=weights)


@family("gigachat3_5")
def gigachat(f: Fields) -> Model:
    """No matrix has a bias; a layer that predicts ahead is loaded for speculation alone."""
    f.fallbacks = {**UNSAID, **f.fallbacks}
    f.agree(
        attention_bias=False,
        linear_attention_type="Qwen3NextGatedDeltaNet",
        use_shared_expert_sigmoid=False,
        num_key_value_heads=f.int("num_attention_heads"),
    )
    f.assume(NOT_COUNTED)
    if f.optional_int("num_nextn_predict_layers"):
        f.warn(WITHOUT_PREDICTION)
    model = Decoder(
        attention=alternating(
            stated(_types), {FULL: latent(extra=_beside_attention), LINEAR: same(gated_delta)}
        ),
        feed_forward=mixture(
            experts="n_routed_experts", sparse=dense_then_step(), shared_width=shared_times()
        ),
        norms=_norms,
        final_norm=False,
    )(f)
    return _ended(f, model)


def _ended(f: Fields, model: Model) -> Model:
    ends = (final_norm(f), *_gates(f, "final_norm", "norms", hidden_size(f)))
    return replace(model, outside=(*model.outside, *ends))
