"""Step 3.5 and the text part of Step 3.7: gated heads, more of them on sliding layers, experts with a shared one.

Published files append the layers of multi-token prediction to their lists, write the sparse layers as a
comma-separated ``moe_layers_enum``, and the heads of sliding layers into ``attention_other_setting``.
"""

from collections.abc import Callable

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.pieces import (
    LayerBlocks,
    assemble,
    hidden_size,
    kv_head_count,
    norms,
    num_layers,
    when,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL, LAYER_KINDS, SLIDING, sizes_by_layer
from llm_calc.core.blocks import Attention, Block, Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight

FIRST_SPARSE = 3
"""Layers before it are dense where the file lists none."""


@family("step3p5")
def step3p5(f: Fields) -> Model:
    """Layers of norms, attention and a dense or routed feed-forward block."""
    layers = num_layers(f)
    pieces: list[LayerBlocks] = [norms()(f), _attention(f, layers), _feed_forward(f)]
    return assemble(f, [tuple(block for piece in pieces for block in piece(i)) for i in range(layers)])


def _listed(f: Fields, key: str, layers: int) -> tuple[str, ...] | None:
    """A list with one entry a layer, or with those of the prediction layers behind them."""
    given = f.texts(key, None)
    if given is None:
        return None
    if len(given) not in (layers, layers + (f.optional_int("num_nextn_predict_layers", 0) or 0)):
        raise f.refusal(key, f"a list of {layers} layer types")
    return given[:layers]


def _attention(f: Fields, layers: int) -> LayerBlocks:
    kinds = _listed(f, "layer_types", layers) or (FULL,) * layers
    if not LAYER_KINDS.issuperset(kinds):
        raise f.refusal("layer_types", f"a list of {', '.join(sorted(LAYER_KINDS))}")
    window = f.optional_int("sliding_window") or None
    heads = _heads_by_layer(f, kinds)
    made = {
        (kind, many): _heads(f, many, window if kind == SLIDING else None)
        for kind, many in zip(kinds, heads, strict=True)
    }
    return lambda index: made[kinds[index], heads[index]]


def _heads_by_layer(f: Fields, kinds: tuple[str, ...]) -> tuple[int, ...]:
    """Query heads: of sliding layers those of their own, unless ``per_layer_config`` says it layer by layer."""
    usual, sliding = f.int("num_attention_heads"), _sliding_heads(f)
    stated = sizes_by_layer(f, "per_layer_config", frozenset({"num_attention_heads"}))
    if "per_layer_config" in f.values:
        return tuple(stated.get(index, {}).get("num_attention_heads", usual) for index in range(len(kinds)))
    return tuple(sliding if kind == SLIDING else usual for kind in kinds)


def _sliding_heads(f: Fields) -> int:
    other = f.mapping("attention_other_setting", None).get("num_attention_heads")
    if f.given("num_sliding_attention_heads"):
        return f.int("num_sliding_attention_heads")
    return other if isinstance(other, int) and other > 0 else f.int("num_attention_heads")


def _heads(f: Fields, heads: int, window: int | None) -> tuple[Block, ...]:
    hidden, width = hidden_size(f), f.int("head_dim")
    attention = Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=kv_head_count(f, heads),
        head_dim=width,
        biases=when("attention_bias", "qkvo")(f),
        vector_params=2 * width,
        window=window,
    )
    gate = Weight(name="head_gate", component="attention", rows=hidden, cols=heads, units=heads)
    return attention, Custom(name="head_gate", content=Parts(weights=(gate,)))


def _sparse(f: Fields, layers: int) -> Callable[[int], bool]:
    kinds = _listed(f, "mlp_layer_types", layers)
    if kinds is not None:
        f.pass_by("when:kinds_listed")
        if not {"dense", "sparse"}.issuperset(kinds):
            raise f.refusal("mlp_layer_types", f"a list of {layers} of dense, sparse")
        return lambda index: kinds[index] == "sparse"
    stated = f.raw("moe_layers_enum", None)
    if isinstance(stated, str):
        return frozenset(int(item) for item in stated.split(",") if item.strip().isdigit()).__contains__
    listed = f.ints("moe_layers_enum", None)
    return frozenset(listed).__contains__ if listed is not None else lambda index: index >= FIRST_SPARSE


def _feed_forward(f: Fields) -> LayerBlocks:
    biases = when("mlp_bias", "gud")
    piece = mixture(
        experts="n_routed_experts",
        sparse=_sparse,
        shared_width=lambda g: g.int("share_expert_dim"),
        shared_biases=biases,
        dense_biases=biases,
    )
    return piece(f)
