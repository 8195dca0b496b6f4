"""Moshi's temporal decoder: one feed-forward matrix holds gate and up; a window; one more row of embeddings."""

from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import assemble, embedding_table, gqa, mlp, norms, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import sliding_everywhere
from llm_calc.core.model import Model

CAUSAL = "MoshiForCausalLM"
TEMPORAL = "only Moshi's temporal decoder is counted, not its audio codec and depth decoder"


@family("moshi")
def moshi(f: Fields) -> Model:
    """The language model alone, as its causal class builds it, whose head is never tied."""
    named = f.items("architectures", ()) or ()
    if CAUSAL not in named:
        f.assume(TEMPORAL)
    pieces = [piece(f) for piece in (norms(), gqa(windows=sliding_everywhere), mlp(width=_inner))]
    stack = [tuple(block for piece in pieces for block in piece(index)) for index in range(num_layers(f))]
    table = embedding_table(f)
    return assemble(f, stack, embedding=(replace(table, rows=table.rows + 1),), tied=False)


def _inner(f: Fields) -> int:
    """``ffn_dim`` is the width of gate and up together."""
    width = f.int("ffn_dim")
    if width % 2:
        raise f.refusal("ffn_dim", "an even number")
    return width // 2
