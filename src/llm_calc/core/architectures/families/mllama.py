"""Llama 3.2 Vision: layers of cross attention to the image between those of self attention."""

from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import (
    assemble,
    embedding_table,
    gqa,
    hidden_size,
    mlp,
    norms,
    num_layers,
    share_of_heads,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector

EXTRA_TOKENS = 8
"""Rows of the embedding beyond the vocabulary, for the image token and its kin."""
CLASS_CROSSING = (3, 8, 13, 18, 23, 28, 33, 38)
"""Layers of cross attention where the file lists none."""


@family("mllama_text_model")
def mllama_text(f: Fields) -> Model:
    """Text without an image passes the layers of cross attention by: they cost memory, no FLOPs and no cache."""
    layers = num_layers(f)
    listed = f.ints("cross_attention_layers")
    crossing = frozenset(CLASS_CROSSING if listed is None else listed)
    blocks = [piece(f) for piece in (norms(), gqa(head_dim=share_of_heads), mlp())]
    own = tuple(block for piece in blocks for block in piece(0))
    crossed = (_crossing(f, own),)
    stack = [crossed if index in crossing else own for index in range(layers)]
    table = embedding_table(f)
    return assemble(f, stack, embedding=(replace(table, rows=table.rows + EXTRA_TOKENS),))


def _crossing(f: Fields, own: tuple[Block, ...]) -> Block:
    """The weights of an ordinary layer, norms of the heads' queries and keys, and two gates; none used by text."""
    weights: list[Weight] = [replace(w, used=0) for block in own for w in block.parts().weights]
    width = hidden_size(f) // f.int("num_attention_heads")
    weights.append(vector("cross_attention_norms", "attention", 2 * width))
    weights.append(vector("cross_attention_gates", "other", 2))
    return Custom(name="cross_attention", content=Parts(weights=tuple(weights)))
