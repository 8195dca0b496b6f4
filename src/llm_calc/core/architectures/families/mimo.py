"""MiMo V2 and V2.5: windows in most layers, values narrower than keys, towers beside the smaller model."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from llm_calc.core.architectures.families.llama import INPUT_BIASES
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import by_mlp_types, leading_dense, mixture
from llm_calc.core.architectures.pieces import Decoder, LayerBlocks, gqa, num_layers
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.towers.mimo import mimo_towers
from llm_calc.core.architectures.towers.wrapper import Wrapper
from llm_calc.core.architectures.windows import FULL, SLIDING, by_type, layer_types
from llm_calc.core.blocks import Attention, Block
from llm_calc.core.model import Model

MIMO_LAYOUTS = ("fused_qkv", "split")


def _marks(f: Fields, key: str, layers: int) -> list[bool] | None:
    """One mark a layer, as files of the authors' own class list them; None without a list."""
    marks = f.raw(key, None)
    if not isinstance(marks, list):
        return None
    if len(marks) != layers or not all(mark in (0, 1) for mark in marks):
        raise f.refusal(key, f"a list of {layers} marks, each 0 or 1")
    return [bool(mark) for mark in marks]


def _mimo_types(f: Fields, layers: int) -> tuple[str, ...]:
    """As the file marks them; else the first layer and every sixth see everything."""
    marks = _marks(f, "hybrid_layer_pattern", layers)
    if marks is not None:
        return tuple(SLIDING if mark else FULL for mark in marks)
    return tuple(FULL if index == 0 or not (index + 1) % 6 else SLIDING for index in range(layers))


def _mimo_attention(f: Fields) -> LayerBlocks:
    """Values narrower than keys; windowed layers have sinks, and twice the key/value heads where no number is said.

    Source: ``modeling_mimo_v2_flash.py`` of transformers 5.24.0; checked: 2026-11-30, its projections read. The
    published file has keys of its own beside it.
    """
    heads, value_dim = f.int("num_attention_heads"), f.int("v_head_dim")
    windowed_heads = f.int("swa_num_key_value_heads", 2 * f.int("num_key_value_heads"))
    f.agree(swa_num_attention_heads=heads, swa_head_dim=f.int("head_dim"), swa_v_head_dim=value_dim)
    f.agree(add_swa_attention_sink_bias=True, add_full_attention_sink_bias=False)
    kinds = layer_types(_mimo_types)(f, num_layers(f))
    usual = gqa(biases=INPUT_BIASES, windows=by_type(layer_types(_mimo_types)))(f)

    def layer(index: int) -> tuple[Block, ...]:
        block, windowed = cast("Attention", usual(index)[0]), kinds[index] == SLIDING
        return (
            replace(
                block,
                value_dim=value_dim,
                kv_heads=windowed_heads if windowed else block.kv_heads,
                vector_params=heads if windowed else 0,
            ),
        )

    return layer


def _mimo_sparse(f: Fields, layers: int) -> Callable[[int], bool]:
    marks = _marks(f, "moe_layer_freq", layers)
    return leading_dense()(f, layers) if marks is None else marks.__getitem__


MIMO = Decoder(
    attention=_mimo_attention,
    feed_forward=mixture(experts="n_routed_experts", sparse=by_mlp_types(_mimo_sparse)),
)
register("mimo_v2_flash", read=MIMO)


def _mimo_text(f: Fields) -> Model:
    """MiMo V2.5, which only its authors' code knows: stored in one matrix for queries, keys and values, or in three."""
    layout = f.text("attention_projection_layout", "split")
    if layout not in MIMO_LAYOUTS:
        raise f.refusal("attention_projection_layout", f"one of {', '.join(MIMO_LAYOUTS)}")
    return MIMO(f)


register(
    "mimo_v2",
    read=Wrapper(towers=(), text_reader=_mimo_text, further=mimo_towers, tying="own"),
    defaults="mimo_v2_flash",
    group="multimodal",
)
