"""ERNIE-4.5-VL: each mixture holds experts of its own for images, which text never meets.

Source: the class of transformers 5.24.0; the keys of the authors' files, ``convert_ernie4_5_vl_moe_to_hf.py`` of the
same release; ``checked: 2026-11-30``.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import by_mlp_types, leading_dense, routed
from llm_calc.core.architectures.pieces import assemble, gqa, hidden_size, norms, num_layers, when
from llm_calc.core.architectures.registry import family, read_as
from llm_calc.core.architectures.towers import projectors
from llm_calc.core.architectures.towers.parts import as_tower, positive
from llm_calc.core.architectures.towers.wrapper import TowerPart, Wrapper
from llm_calc.core.blocks import Block, Custom, Experts, Mlp, Parts
from llm_calc.core.model import Model

CLASS_WIDTHS = (1536, 512)
"""Widths of text and image experts where the file has none."""


@family("ernie4_5_vl_moe_text")
def ernie_vl(f: Fields) -> Model:
    """The first layer is dense; the others route text to its own experts and past those of images."""
    layers, biases = num_layers(f), when("use_bias", "gud")(f)
    is_sparse = by_mlp_types(leading_dense(1))(f, layers)
    dense = Mlp(hidden=hidden_size(f), intermediate=f.int("intermediate_size"), biases=biases)
    mixture = _mixture(f, biases)
    pieces = [norms()(f), gqa(biases=when("use_bias", "qkvo"))(f)]
    stack = [
        (*(block for piece in pieces for block in piece(index)), *(mixture if is_sparse(index) else (dense,)))
        for index in range(layers)
    ]
    return assemble(f, stack)


def _mixture(f: Fields, biases: str) -> tuple[Block, ...]:
    hidden = hidden_size(f)
    many, used = routed(f, "moe_num_experts", "moe_k")
    widths = f.ints("moe_intermediate_size") or CLASS_WIDTHS
    if len(widths) != len(CLASS_WIDTHS) or min(widths) < 1:
        raise f.refusal("moe_intermediate_size", "a list of two widths: of text and of image experts")
    text = Experts(
        hidden=hidden,
        experts=many,
        top_k=used,
        intermediate=widths[0],
        router_bias=many,
        shared_width=widths[0] * (f.optional_int("moe_num_shared_experts") or 0),
        shared_biases=biases,
    )
    image = Experts(hidden=hidden, experts=many, top_k=used, intermediate=widths[1], router_bias=many)
    weights = as_tower(image.parts().weights, "image_experts")
    return text, Custom(name="image_experts", content=Parts(weights=weights))


@family("ernie4_5_moe_vl", defaults="ernie4_5_vl_moe")
def published(f: Fields) -> Model:
    """As the authors' files have it: the text's keys at their own level, one number for experts of each kind."""
    layers = num_layers(f) if f.given("num_hidden_layers") else 0
    many = f.ints("moe_num_experts") or ()
    if len(set(many)) != 1:
        raise f.refusal("moe_num_experts", "a list of one number twice: of text and of image experts")
    first, last = (_both(f, f"moe_layer_{end}_index") for end in ("start", "end"))
    if set(first) != {1} or min(last) < layers - 1:
        raise f.refusal("moe_layer_start_index", "1, with mixtures in all further layers")
    f.agree(moe_layer_interval=1)
    part = f.part("vision_config")
    width, ratio = part.int("hidden_size"), positive(part, "mlp_ratio")
    part.agree(embed_dim=width, in_chans=part.int("in_channels"), spatial_patch_size=part.int("patch_size"))
    f.agree(pixel_hidden_size=width, spatial_conv_size=part.int("spatial_merge_size"))
    frames = f.int("temporal_conv_size")
    part.values = {**part.values, "intermediate_size": int(width * ratio), "temporal_merge_size": frames}
    f.values = {**f.values, "moe_num_experts": many[0]}
    return Wrapper(
        towers=(TowerPart(projector=projectors.ernie),),
        text_reader=lambda fields: read_as(fields, "ernie4_5_vl_moe_text"),
    )(f)


def _both(f: Fields, key: str) -> tuple[int, ...]:
    """One number for both kinds of experts, or one for each."""
    value = f.raw(key)
    return (f.ints(key) or (0,)) if isinstance(value, list | tuple) else (f.int(key),)
