"""Dory: a normalised transformer whose middle layers run several times, without norms but with learned scales.

Source: parameter shapes and layer rules of the classes of transformers 5.24.0; ``checked: 2026-11-29``.
"""

from dataclasses import dataclass, replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import assemble, gqa, hidden_size, mlp, num_layers, when
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL, SLIDING, by_type, full_every, layer_types
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import vector

MLP = "mlp"
LOOP_CACHES = "per_loop"


def _scales(f: Fields) -> Block:
    """Of both residual additions, of queries and keys, of the gate, and of both inner activations."""
    heads, width = f.int("num_attention_heads"), f.int("head_dim")
    return Custom(
        name="scales",
        content=Parts(
            weights=(
                vector("residual_scales", "other", 2 * hidden_size(f)),
                vector("attention_scales", "attention", 2 * heads * width),
                vector("mlp_scales", "mlp", 2 * f.int("intermediate_size")),
            )
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Layers in all, before those that run several times, and of those."""

    layers: int
    first: int
    middle: int


def _shape(f: Fields) -> _Shape:
    """Published files list attention and feed-forward blocks as layers of their own: two are one layer here."""
    split = 2 if MLP in (f.texts("layer_types", None) or ()) else 1
    layers = num_layers(f) // split
    first, last = (f.int(key, least=0) // split for key in ("n_input_layers", "n_output_layers"))
    middle = layers - first - last
    if f.known("n_recurrent_layers"):
        middle = f.int("n_recurrent_layers", least=0) // split
        if first + middle + last != layers:
            raise f.refusal(
                "n_recurrent_layers", "what n_input_layers and n_output_layers leave of num_hidden_layers"
            )
    elif middle < 0:
        f.assume(
            "n_input_layers and n_output_layers are more than all layers: none was taken to run several times"
        )
    first = min(first, layers)
    return _Shape(layers=layers, first=first, middle=max(0, min(middle, layers - first)))


def _types(f: Fields, layers: int) -> tuple[str, ...]:
    """The kinds of attention alone, layer by layer."""
    given = f.texts("layer_types", None)
    if given is None or MLP not in given:
        return layer_types(full_every(4))(f, layers)
    kinds = given[::2]
    if set(given[1::2]) != {MLP} or not {FULL, SLIDING}.issuperset(kinds) or len(given) < layers:
        raise f.refusal("layer_types", f"{FULL} or {SLIDING}, each followed by {MLP}")
    return (kinds * 2)[:layers]


@family("dory")
def dory(f: Fields) -> Model:
    """Layers between the first and the last ones run ``n_recurrent_loops`` times over one set of weights."""
    shape = _shape(f)
    f.agree(recurrent_kv_cache_mode=LOOP_CACHES)
    bias = when("attention_bias", "qkvo")
    pieces = [
        gqa(biases=bias, gate="channel", windows=by_type(_types))(f),
        mlp(biases=when("mlp_bias", "gud"))(f),
    ]
    scales = _scales(f)
    stack = [
        (*(block for piece in pieces for block in piece(index)), scales) for index in range(shape.layers)
    ]
    model = assemble(f, stack, outside=(vector("logit_scale", "lm_head", f.int("vocab_size")),))
    return looped(model, shape.first, shape.middle, f.int("n_recurrent_loops"))


def looped(model: Model, first: int, middle: int, loops: int) -> Model:
    """The same with ``loops`` passes through the middle layers, which store one set of weights each."""
    groups: list[LayerGroup] = []
    again = range(first, first + middle)
    for group in model.groups:
        once = tuple(index for index in group.indices if index not in again)
        groups += [replace(group, indices=once)] if once else []
        groups += [
            LayerGroup(
                indices=tuple(index + turn * middle for turn in range(loops)),
                blocks=group.blocks,
                stored=1,
            )
            for index in group.indices
            if index in again
        ]
    later = first + middle
    moved = tuple(
        group
        if group.stored
        else replace(
            group,
            indices=tuple(
                index + (loops - 1) * middle if index >= later else index for index in group.indices
            ),
        )
        for group in groups
    )
    return replace(model, groups=moved, num_layers=model.num_layers + (loops - 1) * middle)
