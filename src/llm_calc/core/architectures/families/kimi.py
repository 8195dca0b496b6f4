"""Kimi Linear, and Kimi K3: experts in a narrower space, gated latent attention, residuals over blocks of layers.

Source: Kimi Linear, the class of transformers 5.24.0. Kimi K3, the tensors that llama.cpp loads
(``src/models/kimi-k3.cpp``, ``load_arch_tensors``, ``conversion/kimi_k3.py``); ``checked: 2026-11-30``, read.
"""

from dataclasses import replace

from llm_calc.core.architectures.dispatch import read_model
from llm_calc.core.architectures.families.delta import (
    FULL_RANK,
    KIMI_LINEAR,
    as_mixer,
    default_dense,
    kimi_delta,
    kimi_latent,
    kimi_types,
    untied,
)
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, same, stated
from llm_calc.core.architectures.mixtures import by_mlp_types, routed, shared_times
from llm_calc.core.architectures.pieces import (
    LayerBlocks,
    assemble,
    final_norm,
    gate_weight,
    hidden_size,
    norms,
    num_layers,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.towers.kimi import kimi_k3 as kimi_k3_tower
from llm_calc.core.architectures.windows import FULL
from llm_calc.core.blocks import Block, Custom, Experts, Mlp, Norm, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector

K3_KEYS = ("routed_expert_hidden_size", "attn_res_block_size", "mla_use_output_gate")


@family("kimi_linear")
def kimi_linear(f: Fields) -> Model:
    """Kimi Linear; with the keys of Kimi K3 the text part of that, whose files state the same type."""
    return _kimi_k3_text(f) if any(f.given(key) for key in K3_KEYS) else untied(KIMI_LINEAR, f)


@family("kimi_k3", defaults="kimi_k25")
def kimi_k3(f: Fields) -> Model:
    """The text part and a vision tower that is counted by its keys."""
    model = read_model(f.part("text_config"))
    towers = kimi_k3_tower(f.part("vision_config"), model.hidden) if f.given("vision_config") else ()
    if towers:
        f.assume("the vision tower of Kimi K3 was counted by its keys alone: no class of it was read")
    return replace(model, model_type=f.model_type, outside=(*model.outside, *towers))


def _gated_latent(f: Fields) -> LayerBlocks:
    """Latent attention whose output a projection of its own gates, channel by channel."""
    blocks = kimi_latent(f)(0)
    if f.flag("mla_use_output_gate", default=False):
        heads = f.int("num_attention_heads")
        gate = gate_weight(hidden_size(f), heads * f.int("v_head_dim"), units=heads)
        blocks = (*blocks, as_mixer(Custom(name="gate", content=Parts(weights=(gate,)))))
    return lambda _: blocks


def _experts(f: Fields) -> tuple[Block, ...]:
    """Routed experts behind a projection into their space, a norm and one back; the router sees the stream."""
    hidden = hidden_size(f)
    many, used = routed(f, "num_local_experts", "num_experts_per_tok")
    latent = f.optional_int("routed_expert_hidden_size", None, least=1)
    experts = Experts(
        hidden=latent or hidden,
        experts=many,
        top_k=used,
        intermediate=f.int("moe_intermediate_size"),
        router_outputs=0,
    )
    router = Weight(name="router", component="router", rows=hidden, cols=many)
    shared = Mlp(hidden=hidden, intermediate=shared_times()(f), component="shared_experts")
    blocks: tuple[Block, ...] = (Custom(name="router", content=Parts(weights=(router,))), experts, shared)
    if latent is None:
        return blocks
    return (*blocks, *_projections(hidden, latent, normed=f.flag("latent_moe_use_norm", default=False)))


def _projections(hidden: int, latent: int, *, normed: bool) -> tuple[Block, ...]:
    down = Weight(name="latent_down", component="mlp", rows=hidden, cols=latent)
    up = Weight(name="latent_up", component="mlp", rows=latent, cols=hidden)
    norm = (Norm(width=latent, component="mlp", name="latent_norm"),) if normed else ()
    return (Custom(name="latent_projections", content=Parts(weights=(down, up))), *norm)


def _look_back(f: Fields, times: int) -> tuple[Weight, ...]:
    """A norm and a query over earlier blocks of layers, ``times`` over, where the file has blocks."""
    if f.optional_int("attn_res_block_size", None, least=1) is None:
        return ()
    return (vector("block_residual", "other", 2 * times * hidden_size(f)),)


def _k3_delta(f: Fields) -> Block:
    return kimi_delta(f, known=frozenset({FULL_RANK}))


def _kimi_k3_text(f: Fields) -> Model:
    layers, hidden = num_layers(f), hidden_size(f)
    mixers = alternating(stated(kimi_types), {FULL: _gated_latent, LINEAR: same(_k3_delta)})(f)
    sparse = by_mlp_types(default_dense)(f, layers)
    dense = Mlp(hidden=hidden, intermediate=f.int("intermediate_size"))
    around, experts = norms(2)(f), _experts(f)
    before = Custom(name="block_residuals", content=Parts(weights=_look_back(f, 2)))
    stack: list[tuple[Block, ...]] = [
        (*around(index), before, *mixers(index), *(experts if sparse(index) else (dense,)))
        for index in range(layers)
    ]
    return assemble(f, stack, outside=(final_norm(f), *_look_back(f, 1)), tied=False)
