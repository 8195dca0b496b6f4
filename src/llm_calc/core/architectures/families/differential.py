"""DiffLlama: the difference of two attentions."""

from typing import cast

from llm_calc.core.architectures.families.llama import BIASES
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Decoder, LayerBlocks, gqa
from llm_calc.core.architectures.registry import register
from llm_calc.core.blocks import Attention, Block, Custom, Parts
from llm_calc.core.weights import vector


def _differential(f: Fields) -> LayerBlocks:
    """Two attentions with the same queries and keys over halves of the values, and their difference.

    Source: ``modeling_diffllama.py`` of transformers 5.24.0, four vectors ``lambda`` of a head's width; checked:
    2026-11-30, read. The idea is that of Ye et al. 2024 (arXiv:2410.05258).
    """
    attention = cast("Attention", gqa(biases=BIASES)(f)(0)[0])
    if attention.kv_heads % 2:
        raise f.refusal("num_key_value_heads", "even")
    lambdas = vector("lambdas", "attention", 4 * attention.head_dim)
    again = Custom(
        name="second_attention", content=Parts(weights=(lambdas,), scores=attention.parts().scores)
    )
    blocks: tuple[Block, ...] = (attention, again)
    return lambda _: blocks


register("diffllama", read=Decoder(attention=_differential))
