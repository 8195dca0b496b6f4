"""Hierarchical reasoning model for text: two short stacks that every token runs through several times."""

from dataclasses import replace

from llm_calc.core.architectures.fields import MOST_LAYERS, Fields
from llm_calc.core.architectures.labels import context_length, dtype
from llm_calc.core.architectures.pieces import (
    embedding_table,
    gate_weight,
    head_width,
    hidden_size,
    output_head,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Custom, Mlp, Parts
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import Weight, vector


def _blocks(f: Fields) -> tuple[Block, ...]:
    """Multi-head attention with an output gate and a gated feed-forward block; norms have no weights."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    if hidden % heads:
        raise f.refusal("num_attention_heads", f"a divisor of hidden_size ({hidden})")
    dim, bias = head_width(f, hidden, heads), f.flag("attention_bias")
    width = heads * dim
    gate = gate_weight(hidden, width, bias=bias, units=heads)
    return (
        Attention(hidden=hidden, heads=heads, kv_heads=heads, head_dim=dim, biases="qkvo" if bias else ""),
        Custom(name="output_gate", content=Parts(weights=(gate,))),
        Mlp(
            hidden=hidden,
            intermediate=f.int("intermediate_size"),
            biases="gud" if f.flag("mlp_bias") else "",
        ),
    )


def _groups(blocks: tuple[Block, ...], stack: int, high: int, low: int) -> tuple[LayerGroup, ...]:
    """Each of ``high`` cycles runs the lower stack ``low`` times and the upper one once; each pass caches."""
    passes = [name for _ in range(high) for name in (*("low",) * low, "high")]
    return tuple(
        LayerGroup(
            indices=tuple(at * stack + layer for at, name in enumerate(passes) if name == wanted),
            blocks=blocks,
            stored=1,
        )
        for wanted in dict.fromkeys(passes)
        for layer in range(stack)
    )


def _idle(f: Fields, stack: int) -> tuple[Weight, ...]:
    """The lower stack where no cycle runs it: its weights are there all the same."""
    weights = (weight for block in _blocks(f) for weight in block.parts().weights)
    return tuple(replace(weight, copies=weight.copies * stack, used=0) for weight in weights)


@family("hrm_text")
def hrm_text(f: Fields) -> Model:
    """Newer files state the layers of a stack and those of all passes; older ones only the former."""
    high, low = f.int("H_cycles", most=MOST_LAYERS), f.int("L_cycles", least=0, most=MOST_LAYERS)
    stated = f.optional_int("num_layers_per_stack", least=1, most=MOST_LAYERS)
    stack = stated or f.int("num_hidden_layers", most=MOST_LAYERS)
    total = stack * high * (low + 1)
    if total > MOST_LAYERS or (
        stated and f.given("num_hidden_layers") and f.int("num_hidden_layers") != total
    ):
        raise f.refusal("num_hidden_layers", f"num_layers_per_stack x H_cycles x (L_cycles + 1) = {total}")
    hidden, vocab = hidden_size(f), f.int("vocab_size")
    return Model(
        model_type=f.model_type,
        hidden=hidden,
        num_layers=total,
        vocab=vocab,
        groups=_groups(_blocks(f), stack, high, low),
        embedding=(embedding_table(f),),
        head=output_head(hidden, vocab, bias=False),
        head_tied=f.flag("tie_word_embeddings"),
        outside=(vector("initial_state", "other", hidden), *(() if low else _idle(f, stack))),
        context_length_tokens=context_length(f),
        dtype=dtype(f),
    )
