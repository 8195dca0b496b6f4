"""Inkling 2: learned queries over earlier blocks of layers, gated attention with sinks and short convolutions.

Source: parameter shapes and layer rules of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

from dataclasses import dataclass, replace

from llm_calc.core.architectures.families.inkling import HYBRID, HYBRID_SLIDING, hybrid_types
from llm_calc.core.architectures.families.recycled import looped
from llm_calc.core.architectures.fields import MOST_LAYERS, Fields
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.pieces import (
    assemble,
    embedding_table,
    final_norm,
    hidden_size,
    norms,
    num_layers,
    output_head,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Custom, Parts, Smoothing
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector

STREAMS = 3
"""Queries, keys and values of a full layer each read what goes into the layer through a query of their own."""
MESSAGES = 4
"""What a pass hands to the next one: for queries, keys, values and the feed-forward block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    heads: int
    kv_heads: int
    head_dim: int

    @classmethod
    def of(cls, f: Fields, prefix: str) -> "_Shape":
        """The shape under keys that begin with ``prefix``."""
        heads, kv_heads = f.int(f"{prefix}num_attention_heads"), f.int(f"{prefix}num_key_value_heads")
        if heads % kv_heads:
            raise f.refusal(f"{prefix}num_key_value_heads", f"a divisor of the {heads} attention heads")
        return cls(heads=heads, kv_heads=kv_heads, head_dim=f.int(f"{prefix}head_dim"))


def _matrix(name: str, rows: int, cols: int, units: int = 1) -> Weight:
    return Weight(name=name, component="attention", rows=rows, cols=cols, units=units)


def _attention(f: Fields, prefix: str, window: int | None) -> tuple[Block, ...]:
    """Attention with a gate a channel, a sink a head, relative positions; scales of queries and positions by head."""
    hidden, kernel, shape = hidden_size(f), f.int("conv_kernel_size"), _Shape.of(f, prefix)
    heads, rank, width = shape.heads, f.int("d_rel"), shape.heads * shape.head_dim
    extent = f.int("rel_extent")
    weights = (
        _matrix("g_proj", hidden, width, heads),
        _matrix("sink_proj", hidden, heads, heads),
        _matrix("r_proj", hidden, heads * rank, heads),
        replace(_matrix("relative_logits", rank, window or extent), used=heads),
    )
    attention = Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        vector_params=heads * (shape.head_dim + rank),
        window=window,
    )
    channels = 2 * shape.kv_heads * shape.head_dim + 2 * hidden
    return (
        attention,
        Custom(name="relative_positions", content=Parts(weights=weights)),
        Smoothing(channels=channels, conv_kernel=kernel),
    )


def _dynamic(f: Fields) -> Block:
    """Full layers add to each tap of the convolutions of keys and values what the hidden state says, head by head."""
    taps = f.int("num_key_value_heads") * f.int("conv_kernel_size")
    weight = replace(_matrix("conv_weights", hidden_size(f), taps), copies=2, used=2)
    return Custom(name="dynamic_convolutions", content=Parts(weights=(weight,)))


def _inputs(f: Fields, kind: str, index: int) -> Block:
    """Learned queries over earlier blocks, before attention (but in the first layer) and before feed-forward."""
    streams = (STREAMS if kind == HYBRID else 1) if index else 0
    content = Parts(weights=(vector("block_queries", "other", (streams + 1) * hidden_size(f)),))
    return Custom(name="block_queries", content=content)


def _stack(f: Fields) -> list[tuple[Block, ...]]:
    kinds = hybrid_types(f, num_layers(f))
    mixers = {
        HYBRID: (*_attention(f, "", None), _dynamic(f)),
        HYBRID_SLIDING: _attention(f, "swa_", f.int("sliding_window_size")),
    }
    around = {HYBRID: norms(1 + STREAMS)(f), HYBRID_SLIDING: norms(2)(f)}
    experts = mixture(experts="n_routed_experts")(f)
    return [
        (*around[kind](index), _inputs(f, kind, index), *mixers[kind], *experts(index))
        for index, kind in enumerate(kinds)
    ]


def _assembled(f: Fields, stack: list[tuple[Block, ...]]) -> Model:
    """With a norm on the embeddings, and a head that leaves the rows out that fill the vocabulary up."""
    hidden = hidden_size(f)
    ends = (final_norm(f), vector("final_query", "other", hidden))
    table = (embedding_table(f), vector("embedding_norm", "embedding", hidden))
    model = assemble(f, stack, embedding=table, outside=ends, tied=False)
    return replace(model, head=output_head(hidden, f.int("unpadded_vocab_size")))


@family("inkling2_text")
def inkling2_text(f: Fields) -> Model:
    """Inkling 2."""
    return _assembled(f, _stack(f))


@family("inkling2_loop_text")
def inkling2_loop_text(f: Fields) -> Model:
    """Inkling 2 whose middle layers run several times, each pass with caches of its own and messages to the next."""
    _read_loop_config(f)
    start, end = (
        f.int("loop_layer_index_start", most=MOST_LAYERS),
        f.int("loop_layer_index_end", most=MOST_LAYERS),
    )
    passes, block = f.int("loop_num_passes", most=MOST_LAYERS), f.int("n_layers_per_attn_res_block")
    for key, value in (("loop_layer_index_start", start), ("loop_layer_index_end", end)):
        if value % block or not start <= value <= num_layers(f):
            raise f.refusal(key, f"a multiple of n_layers_per_attn_res_block ({block}) within the layers")
    gates = _message_gates(f, passes)
    stack = [(*blocks, gates) if start <= index < end else blocks for index, blocks in enumerate(_stack(f))]
    queries = vector("message_queries", "other", (end - start) * MESSAGES * hidden_size(f))
    model = _assembled(f, stack)
    model = replace(model, outside=(*model.outside, queries))
    return looped(model, start, end - start, passes)


_LOOP_KEYS = {
    "core_start": "loop_layer_index_start",
    "core_end": "loop_layer_index_end",
    "num_passes": "loop_num_passes",
    "gate_rank": "loop_gate_rank",
}


def _read_loop_config(f: Fields) -> None:
    """Published files hold these numbers in an object of their own, which prevails."""
    stated = f.mapping("loop_config", None)
    for key, value in stated.items():
        if key in _LOOP_KEYS:
            f.values = {**f.values, _LOOP_KEYS[key]: value}
        else:
            f.assume(f"{f.path}.loop_config.{key} is not understood and may change sizes; it was ignored")


def _message_gates(f: Fields, passes: int) -> Block:
    """A low-rank gate for each message; the first pass has none to receive."""
    hidden, rank = hidden_size(f), f.int("loop_gate_rank")
    used = MESSAGES * (passes - 1) / passes
    shapes = {"down": (2 * hidden, rank), "forget": (rank, hidden), "message": (rank, hidden)}
    weights = tuple(
        Weight(name=f"message_{name}", component="other", rows=rows, cols=cols, copies=MESSAGES, used=used)
        for name, (rows, cols) in shapes.items()
    )
    return Custom(name="message_gates", content=Parts(weights=weights))
