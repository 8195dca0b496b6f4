"""Gemma 3n and Gemma 4: embeddings of every layer, layers that reuse keys and values, wider global heads."""

from collections.abc import Mapping
from dataclasses import replace

from llm_calc.core.architectures.families.gemma import causal
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hyper import activations
from llm_calc.core.architectures.mixtures import routed
from llm_calc.core.architectures.pieces import (
    assemble,
    embedding_table,
    final_norm,
    hidden_size,
    num_layers,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL, full_every, layer_types, sizes_by_layer
from llm_calc.core.blocks import Attention, Block, Custom, Mlp, Norm, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector

DRAFTS = "reads the caches of another model"
"""What a draft model's reader sets among the fallbacks of its text part."""


def _other(name: str, rows: int, cols: int, *, used: float = 1) -> Weight:
    return Weight(name=name, component="other", rows=rows, cols=cols, used=used)


def layer_inputs(f: Fields) -> tuple[Weight, ...]:
    """A second embedding with a row for every layer, and the projection of the first one beside it."""
    width, layers = f.optional_int("hidden_size_per_layer_input") or 0, num_layers(f)
    rows = f.int("vocab_size_per_layer_input", least=1 if width else 0)
    if not width:
        return ()
    table = Weight(
        name="embedding_per_layer", component="embedding", rows=rows, cols=layers * width, kind="table"
    )
    projection = _other("per_layer_model_projection", hidden_size(f), layers * width)
    return table, projection, vector("per_layer_projection_norm", "norms", width)


def gated_layer_input(f: Fields) -> tuple[Block, ...]:
    """Gate and projection of a layer's own input, and its norm."""
    width, hidden = f.optional_int("hidden_size_per_layer_input") or 0, hidden_size(f)
    if not width:
        return ()
    weights = (_other("per_layer_input_gate", hidden, width), _other("per_layer_projection", width, hidden))
    return Custom(name="layer_input", content=Parts(weights=weights)), Norm(width=hidden)


def shared_from(f: Fields, layers: int) -> int:
    """Index of the first layer that reuses keys and values of an earlier one, or of the model that it drafts for."""
    shared = f.optional_int("num_kv_shared_layers") or 0
    if f.fallbacks.get(DRAFTS):
        if shared not in (0, layers):
            raise f.refusal("num_kv_shared_layers", f"all {layers} layers, or 0 for all of them")
        return 0
    if shared >= layers and shared:
        raise f.refusal("num_kv_shared_layers", f"less than the {layers} layers")
    return layers - shared


def _widths(f: Fields, layers: int) -> tuple[int, ...]:
    """``intermediate_size``: one for all layers, or a list."""
    if isinstance(f.raw("intermediate_size"), int):
        return (f.int("intermediate_size"),) * layers
    widths = f.ints("intermediate_size") or ()
    if len(widths) != layers:
        raise f.refusal("intermediate_size", f"a whole number or a list of {layers}")
    return widths


def _altup(f: Fields, hidden: int, streams: int) -> Custom:
    """Alternating updates (Baykal et al. 2023, arXiv:2301.13310) and the low-rank residual of Gemma 3n."""
    rank = f.int("laurel_rank")
    weights = [
        _other("altup_correction", streams, streams),
        _other("altup_prediction", streams, streams * streams),
        _other("altup_router", hidden, streams, used=2),
        activations("altup_predict", streams, streams * hidden),
        _other("laurel_left", hidden, rank),
        _other("laurel_right", rank, hidden),
        vector("altup_norms", "norms", 2 * hidden),
        vector("altup_scale", "other", hidden),
    ]
    return Custom(name="altup", content=Parts(weights=tuple(weights)))


@family(
    "gemma3n_text",
)
def gemma3n_text(f: Fields) -> Model:
    """Gemma 3n."""
    layers, hidden, streams = num_layers(f), hidden_size(f), f.int("altup_num_inputs", least=2)
    kinds, widths, owners = layer_types(full_every(5))(f, layers), _widths(f, layers), shared_from(f, layers)
    common: tuple[Block, ...] = (
        Norm(width=hidden, count=4),
        _altup(f, hidden, streams),
        # the norm of a layer's own input stands there even where that input has no width
        *(gated_layer_input(f) or (Norm(width=hidden),)),
    )
    stack: list[tuple[Block, ...]] = [
        (
            *common,
            _attention(f, kinds[index], owns=index < owners),
            Mlp(hidden=hidden, intermediate=widths[index]),
        )
        for index in range(layers)
    ]
    turns = (
        Weight(
            name="altup_projections",
            component="other",
            rows=hidden,
            cols=hidden,
            copies=streams - 1,
            used=streams - 1,
        ),
        Weight(
            name="altup_unembed",
            component="embedding",
            rows=hidden,
            cols=hidden,
            copies=streams - 1,
            used=streams - 1,
        ),
    )
    inputs = layer_inputs(f)
    return assemble(f, stack, embedding=(embedding_table(f), *inputs, *turns))


def _attention(f: Fields, kind: str, *, owns: bool) -> Attention:
    """Heads with norms; layers that reuse keys have neither the projections nor their norm."""
    width = f.int("head_dim")
    return Attention(
        hidden=hidden_size(f),
        heads=f.int("num_attention_heads"),
        kv_heads=f.int("num_key_value_heads"),
        head_dim=width,
        biases="qkvo" if f.flag("attention_bias") else "",
        vector_params=width * (2 if owns else 1),
        window=None if kind == FULL else f.int("sliding_window"),
        owns_kv=owns,
        caches_kv=owns,
    )


@family(
    "gemma4_text",
    "gemma4_unified_text",
)
@causal
def gemma4_text(f: Fields) -> Model:
    """Gemma 4: other heads on global layers, whose values may be their keys; the last layer is global."""
    f.fallbacks = {"enable_moe_block": False, "hidden_size_per_layer_input": None, **f.fallbacks}
    layers, hidden = num_layers(f), hidden_size(f)
    kinds = (*layer_types(full_every(6))(f, layers)[:-1], FULL)
    owners, overrides = shared_from(f, layers), _overrides(f, kinds)
    doubled = f.flag("use_double_wide_mlp")
    experts = _experts(f, hidden)
    common = (Norm(width=hidden, count=4), *gated_layer_input(f), *experts)
    stack: list[tuple[Block, ...]] = []
    for index, kind in enumerate(kinds):
        owns = index < owners
        width = f.int("intermediate_size") * (2 if doubled and not owns else 1)
        attention = _global_heads(f, _attention(f, kind, owns=owns), kind, overrides.get(index, {}))
        stack.append((*common, attention, Mlp(hidden=hidden, intermediate=width)))
    return assemble(f, stack, embedding=(embedding_table(f), *_per_layer(f)), outside=(final_norm(f),))


def _per_layer(f: Fields) -> tuple[Weight, ...]:
    return layer_inputs(f) if f.known("hidden_size_per_layer_input") else ()


def _global_heads(f: Fields, attention: Attention, kind: str, override: Mapping[str, int]) -> Attention:
    width = override.get("head_dim", attention.head_dim)
    shares = f.flag("attention_k_eq_v") and kind == FULL
    return replace(
        attention,
        head_dim=width,
        kv_heads=override.get("num_key_value_heads", attention.kv_heads),
        vector_params=width * (2 if attention.owns_kv else 1),
        owns_v=attention.owns_kv and not shares,
    )


def _overrides(f: Fields, kinds: tuple[str, ...]) -> dict[int, dict[str, int]]:
    """Widths of single layers: ``per_layer_config``, else the keys of global heads for all global layers."""
    stated = sizes_by_layer(f, "per_layer_config", frozenset({"head_dim", "num_key_value_heads"}))
    settled = "per_layer_config" in f.values
    width = f.int("global_head_dim", 512)
    shared = f.flag("attention_k_eq_v")
    kv_heads = f.optional_int("num_global_key_value_heads", None, least=1) if shared else None
    if settled:
        return stated
    heads = {} if kv_heads is None else {"num_key_value_heads": kv_heads}
    return {index: {"head_dim": width, **heads} for index, kind in enumerate(kinds) if kind == FULL}


def _experts(f: Fields, hidden: int) -> tuple[Block, ...]:
    """Routed experts beside the dense block, with three norms more and a router that scales."""
    if not f.flag("enable_moe_block"):
        return ()
    many, used = routed(f, "num_experts", "top_k_experts")
    router = (
        Weight(name="router", component="router", rows=hidden, cols=many),
        vector("router_scales", "router", hidden + many),
    )
    routed_experts = Mlp(
        hidden=hidden,
        intermediate=f.int("moe_intermediate_size"),
        component="experts",
        copies=many,
        used=used,
    )
    return Custom(name="router", content=Parts(weights=router)), routed_experts, Norm(width=hidden, count=3)
