"""Pieces that families are composed of: each reads its fields once and answers with the blocks of a layer.

An option is a constant or a function of the fields (``Choice``), so that a table row says ``biases="qkv"`` or
``biases=when("attention_bias", "qkvo")``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from llm_calc.core.architectures.fields import MOST_LAYERS, Fields
from llm_calc.core.architectures.labels import context_length, dtype
from llm_calc.core.architectures.positions import context_limit
from llm_calc.core.architectures.windows import Window, Windows, no_window
from llm_calc.core.blocks import Attention, Block, Custom, Mlp, Norm, Parts
from llm_calc.core.model import Model, group_layers
from llm_calc.core.weights import Weight, vector

T = TypeVar("T")
Choice: TypeAlias = T | Callable[[Fields], T]
LayerBlocks = Callable[[int], tuple[Block, ...]]
Piece = Callable[[Fields], LayerBlocks]


def choose(option: Choice[T], f: Fields) -> T:
    """The option's value for these fields."""
    return option(f) if callable(option) else option


def when(key: str, then: T, otherwise: T | None = None) -> Callable[[Fields], T]:
    """``then`` if the flag ``key`` is set, else ``otherwise`` (by default the empty value of its type)."""
    return lambda f: then if f.flag(key) else type(then)() if otherwise is None else otherwise


def known_word(f: Fields, key: str, *known: str) -> str:
    """The word under ``key`` where a class knows it; another one is named, and the first of ``known`` taken."""
    said = f.text(key)
    if said in known:
        return said
    f.assume(f"{f.path}.{key} {said!r} is not understood ({', '.join(known)}); it was taken as {known[0]!r}")
    return known[0]


def stated(key: str, answer: str) -> Callable[[Fields], str]:
    """A constant of the class, which some files state as the flag ``key``."""

    def read(f: Fields) -> str:
        f.agree(**{key: True})
        return answer

    return read


def hidden_size(f: Fields) -> int:
    """Width of the residual stream."""
    return f.int("hidden_size")


def num_layers(f: Fields) -> int:
    """Layers of the stack."""
    return f.int("num_hidden_layers", most=MOST_LAYERS)


def kv_head_count(f: Fields, heads: int, key: str = "num_key_value_heads") -> int:
    """Key/value heads: one for every query head where the file says nothing."""
    given = f.optional_int(key) if f.known(key) else None
    kv_heads = heads if given is None else given
    if not kv_heads or heads % kv_heads:
        raise f.refusal(key, f"a divisor of the {heads} attention heads")
    return kv_heads


def head_width(f: Fields, hidden: int, heads: int) -> int:
    """``head_dim`` where it is given, else an equal share of the hidden size."""
    given = f.optional_int("head_dim", least=1) if f.known("head_dim") else None
    if given is None and heads and hidden < heads:
        raise f.refusal("num_attention_heads", f"at most hidden_size ({hidden})")
    width = given or hidden // heads
    f.agree(kv_channels=width)
    return width


def filling_width(f: Fields, hidden: int, heads: int) -> int:
    """``head_dim``, which has to make the heads fill the hidden size: the class runs with nothing else."""
    width = head_width(f, hidden, heads)
    if width * heads != hidden:
        raise f.refusal("head_dim", f"hidden_size / num_attention_heads ({hidden} / {heads})")
    return width


def share_of_heads(f: Fields, hidden: int, heads: int) -> int:
    """An equal share of the hidden size, whatever ``head_dim`` says; one that says otherwise is reported."""
    f.agree(head_dim=hidden // heads)
    return hidden // heads


_QK_NORMS: dict[str, Callable[[int, int, int], int]] = {
    "": lambda *_: 0,
    "head": lambda _, __, width: 2 * width,
    "head_biased": lambda _, __, width: 4 * width,
    "full": lambda heads, kv_heads, width: (heads + kv_heads) * width,
    "full_biased": lambda heads, kv_heads, width: 2 * (heads + kv_heads) * width,
}


def gqa(
    *,
    biases: Choice[str] = "",
    qk_norm: Choice[str] = "",
    windows: Windows = no_window,
    head_dim: Callable[[Fields, int, int], int] = head_width,
    kv_heads: Callable[[Fields, int], int] = kv_head_count,
    sinks: Choice[bool] = False,
    output_norm: bool = False,
    output_gate: Choice[bool] = False,
    gate: Choice[str] = "",
) -> Piece:
    """Grouped-query attention.

    ``qk_norm``: ``head`` (one weight a channel of a head, shared by heads), ``head_biased`` (with as many
    biases), ``full`` (a weight for every channel of queries and of keys; ``full_biased``: two) or nothing.
    ``output_norm``: a norm before the output projection. ``sinks``: one scalar a head. ``output_gate``: the
    query projection also gates every channel of the output; ``gate``: a projection of its own does, by
    ``channel`` or ``head``.
    """

    def piece(f: Fields) -> LayerBlocks:
        hidden, heads = hidden_size(f), f.int("num_attention_heads")
        kv, width = kv_heads(f, heads), head_dim(f, hidden, heads)
        vectors = _QK_NORMS[choose(qk_norm, f)](heads, kv, width)
        usual = Attention(
            hidden=hidden,
            heads=heads,
            kv_heads=kv,
            head_dim=width,
            biases=choose(biases, f),
            vector_params=vectors + heads * choose(sinks, f) + heads * width * output_norm,
            q_extra_cols=heads * width * choose(output_gate, f),
        )
        gates = _gate(hidden, heads, {"": 0, "head": 1, "channel": width}[choose(gate, f)])
        return _windowed(usual, gates, windows(f, num_layers(f)))

    return piece


def _gate(hidden: int, heads: int, cols_per_head: int) -> tuple[Block, ...]:
    """A gate that is a projection of its own, without bias; nothing for no columns."""
    if not cols_per_head:
        return ()
    weight = gate_weight(hidden, heads * cols_per_head, units=heads)
    return (Custom(name="gate", content=Parts(weights=(weight,))),)


def _windowed(usual: Attention, gates: tuple[Block, ...], window_of: Callable[[int], Window]) -> LayerBlocks:
    """The same attention in every layer, but for the window."""

    def layer(index: int) -> tuple[Block, ...]:
        window, chunked = window_of(index)
        return (replace(usual, window=window, chunked=chunked), *gates)

    return layer


def mlp(
    *,
    width: Choice[int] | str = "intermediate_size",
    gated: Choice[bool] = True,
    biases: Choice[str] = "",
    inner_norm: bool = False,
) -> Piece:
    """The same feed-forward block in every layer; ``width`` is a key or a function.

    ``inner_norm``: a normalisation of the inner activations.
    """

    def piece(f: Fields) -> LayerBlocks:
        inner = f.int(width) if isinstance(width, str) else choose(width, f)
        block = Mlp(
            hidden=hidden_size(f), intermediate=inner, gated=choose(gated, f), biases=choose(biases, f)
        )
        blocks: tuple[Block, ...] = (block,)
        if inner_norm:
            blocks = (block, Norm(width=inner, component="mlp", name="mlp_norm"))
        return lambda _: blocks

    return piece


def gate_weight(hidden: int, cols: int, *, bias: bool = False, units: int = 1) -> Weight:
    """An output gate of the attention that is a projection of its own: hidden -> ``cols``."""
    bias_elements = cols if bias else 0
    return Weight(
        name="g_proj", component="attention", rows=hidden, cols=cols, bias=bias_elements, units=units
    )


def norms(count: Choice[int] = 2, *, bias: Choice[bool] = False) -> Piece:
    """Normalisations of the residual stream in each layer."""

    def piece(f: Fields) -> LayerBlocks:
        many = choose(count, f)
        block = Norm(width=hidden_size(f), count=many, bias=choose(bias, f))
        return lambda _: (block,) if many else ()

    return piece


def embedding_table(f: Fields, *, width: int | None = None) -> Weight:
    """Token embeddings."""
    cols = width or hidden_size(f)
    rows = f.int("vocab_size")
    return Weight(name="embedding", component="embedding", rows=rows, cols=cols, kind="table", units=rows)


def position_table(rows: int, cols: int, name: str = "position_embedding") -> Weight:
    """Learned positions."""
    return Weight(name=name, component="embedding", rows=rows, cols=cols, kind="table")


HEAD_PARTS = ("lm_head_bias", "head_norm", "head_dense")
"""Weights beside the layers that belong to the head of a generating model."""


def final_norm(f: Fields, *, bias: bool = False) -> Weight:
    """The normalisation before the head."""
    return vector("final_norm", "norms", hidden_size(f) * (2 if bias else 1))


def assemble(
    f: Fields,
    layers: Iterable[tuple[Block, ...]],
    *,
    embedding: tuple[Weight, ...] = (),
    outside: tuple[Weight, ...] | None = None,
    head_bias: bool = False,
    head_rows: int | None = None,
    tied: bool | None = None,
) -> Model:
    """A model from its layers, first to last, and the usual ends where nothing else is given.

    ``outside``: what stands in no layer (default: an RMS norm); ``tied``: default ``tie_word_embeddings``. The
    bias of a tied head is a tensor of its own.
    """
    stack = tuple(layers)
    vocab, hidden = f.int("vocab_size"), hidden_size(f)
    is_tied = f.flag("tie_word_embeddings") if tied is None else tied
    ends = (final_norm(f),) if outside is None else outside
    if head_bias and is_tied:
        ends = (*ends, vector("lm_head_bias", "lm_head", vocab))
    return Model(
        model_type=f.model_type,
        hidden=hidden,
        num_layers=len(stack),
        vocab=vocab,
        groups=group_layers(stack),
        embedding=embedding or (embedding_table(f),),
        head=output_head(head_rows or hidden, vocab, bias=head_bias and not is_tied),
        head_tied=is_tied,
        outside=ends,
        context_length_tokens=context_length(f),
        context_limit_tokens=context_limit(f, context_length(f)),
        dtype=dtype(f),
    )


def output_head(rows: int, vocab: int, *, bias: bool = False) -> Weight:
    """Hidden state to logits."""
    return Weight(
        name="lm_head", component="lm_head", rows=rows, cols=vocab, bias=vocab if bias else 0, units=vocab
    )


_LLAMA_ATTENTION, _LLAMA_FEED_FORWARD, _LLAMA_NORMS = gqa(), mlp(), norms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """A stack of layers of norms, attention and feed-forward with the usual ends: a row of the family tables.

    What a row leaves out is as in Llama.
    """

    attention: Piece = _LLAMA_ATTENTION
    feed_forward: Piece = _LLAMA_FEED_FORWARD
    norms: Piece = _LLAMA_NORMS
    final_norm: Choice[bool] = True
    final_norm_bias: Choice[bool] = False
    head_bias: Choice[bool] = False

    def __call__(self, f: Fields) -> Model:
        """The model of these fields."""
        pieces = [piece(f) for piece in (self.norms, self.attention, self.feed_forward)]
        layers = [
            tuple(block for piece in pieces for block in piece(index)) for index in range(num_layers(f))
        ]
        outside = (final_norm(f, bias=choose(self.final_norm_bias, f)),) if choose(self.final_norm, f) else ()
        return assemble(f, layers, outside=outside, head_bias=choose(self.head_bias, f))
