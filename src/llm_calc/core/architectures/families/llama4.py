"""Llama 4: chunked attention, a shared expert beside every mixture, dense layers between them."""

from collections.abc import Callable

from llm_calc.core.architectures.families.llama import BIASES
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.pieces import Decoder, gqa
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import CHUNKED, FULL, by_type, layer_types


def _types(f: Fields, layers: int) -> tuple[str, ...]:
    """Layers with rotary positions see their chunk, the others everything."""
    step = f.int("no_rope_layer_interval")
    rotary = f.ints("no_rope_layers") or tuple(int((index + 1) % step != 0) for index in range(layers))
    if len(rotary) < layers:
        raise f.refusal("no_rope_layers", f"a list of {layers} of 0, 1")
    return tuple(CHUNKED if rotates else FULL for rotates in rotary[:layers])


def _sparse(f: Fields, _: int) -> Callable[[int], bool]:
    """The layers of ``moe_layers``, else every ``interleave_moe_layer_step``-th."""
    listed, step = f.ints("moe_layers"), f.int("interleave_moe_layer_step")
    if listed is not None:
        return frozenset(listed).__contains__
    return lambda index: (index + 1) % step == 0


register(
    "llama4_text",
    read=Decoder(
        attention=gqa(biases=BIASES, windows=by_type(layer_types(_types))),
        feed_forward=mixture(
            experts="num_local_experts",
            width="intermediate_size",
            dense_width="intermediate_size_mlp",
            sparse=_sparse,
            shared_width=lambda f: f.int("intermediate_size"),
        ),
    ),
)
