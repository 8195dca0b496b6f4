"""Decoders whose blocks were chosen one by one by a search (DeciLM, Llama-Nemotron Super and Ultra)."""

from collections.abc import Mapping

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import assemble, hidden_size, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Custom, Mlp, Norm, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Component, Weight

BLOCK_KEYS = {
    "attention": {"n_heads_in_group", "no_op", "replace_with_linear", "window_length"},
    "ffn": {"ffn_mult", "no_op", "replace_with_linear"},
}
UNUSED = {"num_sink_tokens", "sparsify", "unshifted_sink", "use_prefill_window_in_sink_attention"}
"""Keys of a block that change no size while they are null or false."""
WIDTH_MULTIPLE = 256


@family(
    "nemotron-nas",
    "deci",
    defaults="decilm",
)
def searched(f: Fields) -> Model:
    """Each layer has the attention and feed-forward that ``block_configs`` gives it, or a matrix, or nothing."""
    blocks = f.items("block_configs")
    if blocks is None or len(blocks) != num_layers(f):
        raise f.refusal("block_configs", f"a list of {num_layers(f)} objects")
    return assemble(f, [_layer(f, block) for block in blocks])


def _layer(f: Fields, block: object) -> tuple[Block, ...]:
    attention, feed_forward = _part(f, block, "attention"), _part(f, block, "ffn")
    found: tuple[Block, ...] = ()
    if not attention.get("no_op"):
        found += (Norm(width=hidden_size(f)), _attention(f, attention))
    if not feed_forward.get("no_op"):
        found += (Norm(width=hidden_size(f)), _feed_forward(f, feed_forward))
    return found


def _part(f: Fields, block: object, name: str) -> Mapping[str, object]:
    part = block.get(name) if isinstance(block, Mapping) else None
    if not isinstance(part, Mapping):
        raise f.refusal("block_configs", f"objects with {name!r}")
    for key, value in part.items():
        if key not in BLOCK_KEYS[name] and not (key in UNUSED and not value):
            f.assume(f"block_configs.{name}.{key} is not understood and may change sizes; it was ignored")
    return part


def _attention(f: Fields, part: Mapping[str, object]) -> Block:
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    if part.get("replace_with_linear"):
        return _matrix(hidden, "attention")
    group, window = part.get("n_heads_in_group"), part.get("window_length")
    if not isinstance(group, int) or group < 1 or heads % group:
        raise f.refusal("block_configs", f"n_heads_in_group that divides {heads} heads")
    return Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=heads // group,
        head_dim=hidden // heads,
        biases="qkvo" if f.flag("attention_bias", default=False) else "",
        window=window if isinstance(window, int) else None,
    )


def _feed_forward(f: Fields, part: Mapping[str, object]) -> Block:
    hidden, multiple = hidden_size(f), part.get("ffn_mult")
    if part.get("replace_with_linear"):
        return _matrix(hidden, "mlp")
    if not isinstance(multiple, int | float) or multiple <= 0:
        raise f.refusal("block_configs", "ffn_mult above 0")
    return Mlp(hidden=hidden, intermediate=intermediate_width(hidden, multiple))


def intermediate_width(hidden: int, multiple: float) -> int:
    """Width of a gated block: two thirds of ``multiple x hidden``, cut to whole, then up to a multiple of 256."""
    width = int(2 * multiple * hidden / 3)
    return -(-width // WIDTH_MULTIPLE) * WIDTH_MULTIPLE


def _matrix(hidden: int, component: Component) -> Block:
    """One square matrix in place of a whole part."""
    weight = Weight(name="linear", component=component, rows=hidden, cols=hidden, units=hidden)
    return Custom(name="linear", content=Parts(weights=(weight,)))
