"""The text part of ERNIE-4.5-VL: each mixture holds experts of its own for images, which text never meets."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import by_mlp_types, leading_dense, routed
from llm_calc.core.architectures.pieces import assemble, gqa, hidden_size, norms, num_layers, when
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.towers.parts import as_tower
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
