"""DeepSeek-V2, V3, V3.2 and decoders of the same build: latent attention, shared and routed experts."""

from collections.abc import Callable

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.latent import attention_weights, everywhere, latent
from llm_calc.core.architectures.mixtures import (
    Sparse,
    by_mlp_types,
    dense_then_step,
    first_dense,
    leading_dense,
    mixture,
    shared_times,
)
from llm_calc.core.architectures.pieces import (
    Decoder,
    LayerBlocks,
    Piece,
    hidden_size,
    num_layers,
    when,
)
from llm_calc.core.architectures.registry import register
from llm_calc.core.blocks import Custom, Norm, Parts
from llm_calc.core.weights import Weight

BIASES = when("attention_bias", "ao")


def routed(sparse: Sparse) -> Piece:
    """DeepSeek's experts, in the layers that the rule names."""
    return mixture(experts="n_routed_experts", sparse=sparse, shared_width=shared_times())


LATENT = latent(biases=BIASES)
BY_COUNT = routed(first_dense())
BY_TYPES = routed(by_mlp_types(first_dense()))

register("deepseek_v2", read=Decoder(attention=LATENT, feed_forward=routed(first_dense())))
register("deepseek_v3", "sarvam_mla", read=Decoder(attention=LATENT, feed_forward=BY_COUNT))
register("kimi_k2", defaults="deepseek_v3", read=Decoder(attention=LATENT, feed_forward=BY_COUNT))
register(
    "deepseek_v32",
    read=Decoder(attention=latent(biases=BIASES, indexed=everywhere), feed_forward=BY_TYPES),
)
register("glm4_moe_lite", read=Decoder(attention=LATENT, feed_forward=routed(by_mlp_types(leading_dense()))))
register("mistral4", read=Decoder(attention=LATENT, feed_forward=routed(first_dense())))
register("youtu", read=Decoder(attention=LATENT))
register("minicpm3", read=Decoder(attention=LATENT))


def indexer_types(f: Fields, layers: int) -> Callable[[int], bool]:
    """``indexer_types``, ``index_topk_pattern`` or every ``index_topk_freq``-th layer has its own indexer."""
    given = f.texts("indexer_types", None)
    pattern = f.raw("index_topk_pattern", None)
    if given is None and isinstance(pattern, str):
        given = tuple({"F": "full", "S": "shared"}.get(letter, letter) for letter in pattern)
    if given is not None:
        if len(given) < layers or not {"full", "shared"}.issuperset(given):
            raise f.refusal("indexer_types", f"a list of {layers} of full, shared")
        return lambda index: given[index] == "full"
    period, offset = f.int("index_topk_freq", 1), f.int("index_skip_topk_offset", 2, least=0)
    return lambda index: max(index - offset + 1, 0) % period == 0


register(
    "glm_moe_dsa",
    read=Decoder(attention=latent(biases=BIASES, indexed=indexer_types), feed_forward=BY_TYPES),
)


def _with_output_norm(experts: Piece) -> Piece:
    """A.X K1 normalises what its mixtures of experts answer."""

    def piece(f: Fields) -> LayerBlocks:
        blocks, extra = experts(f), Norm(width=hidden_size(f), component="mlp", name="mlp_norm")
        is_sparse = by_mlp_types(dense_then_step())(f, num_layers(f))
        return lambda index: (*blocks(index), extra) if is_sparse(index) else blocks(index)

    return piece


register(
    "axk1",
    read=Decoder(attention=LATENT, feed_forward=_with_output_norm(routed(by_mlp_types(dense_then_step())))),
)


def _axk2_queries(f: Fields) -> Parts:
    """Queries and output gate come from one projection of the compressed query and its norm."""
    rank, heads = f.int("q_lora_rank"), f.int("num_attention_heads")
    width = heads * (f.int("qk_nope_head_dim") + f.int("qk_rope_head_dim"))
    gate = heads * f.int("v_head_dim")
    return attention_weights(q_gate_proj=(rank, width), output_gate=(2 * rank, gate))


def _gated_norms(f: Fields) -> LayerBlocks:
    """A.X K2: norms with a low-rank gate, before attention everywhere, before the mixture where there is one."""
    hidden, rank = hidden_size(f), f.int("gated_norm_rank")
    is_sparse = by_mlp_types(dense_then_step())(f, num_layers(f))
    gates = Parts(
        weights=(
            Weight(name="norm_gate_down", component="norms", rows=hidden, cols=rank),
            Weight(name="norm_gate_up", component="norms", rows=rank, cols=hidden),
        )
    )
    plain, gate = Norm(width=hidden, count=2), Custom(name="norm_gate", content=gates)
    return lambda index: (plain, gate, gate) if is_sparse(index) else (plain, gate)


register(
    "axk2",
    read=Decoder(
        attention=latent(biases=BIASES, indexed=everywhere, extra=_axk2_queries),
        feed_forward=routed(by_mlp_types(dense_then_step())),
        norms=_gated_norms,
    ),
)
