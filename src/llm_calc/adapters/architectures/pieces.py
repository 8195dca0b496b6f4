"""Pieces that families are composed of: each reads its fields once and answers with the blocks of a layer.

An option is a constant or a function of the fields (``Choice``), so that a table row says ``biases="qkv"`` or
``biases=when("attention_bias", "qkvo")``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from llm_calc.adapters.architectures.fields import MOST_LAYERS, Fields
from llm_calc.adapters.architectures.windows import Windows, no_window
from llm_calc.core.blocks import Attention, Block, Mlp, Norm
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


def hidden_size(f: Fields) -> int:
    """Width of the residual stream."""
    return f.int("hidden_size")


def num_layers(f: Fields) -> int:
    """Layers of the stack."""
    return f.int("num_hidden_layers", most=MOST_LAYERS)


def kv_head_count(f: Fields, heads: int, key: str = "num_key_value_heads") -> int:
    """Key/value heads: one for every query head where the file says nothing."""
    given = f.optional_int(key) if f.known(key) else None
    kv_heads = given or heads
    if heads % kv_heads:
        raise f.refusal(key, f"a divisor of the {heads} attention heads")
    return kv_heads


def head_width(f: Fields, hidden: int, heads: int) -> int:
    """``head_dim`` where it is given, else an equal share of the hidden size."""
    given = f.optional_int("head_dim") if f.known("head_dim") else None
    if given is None and heads and hidden < heads:
        raise f.refusal("num_attention_heads", f"at most hidden_size ({hidden})")
    return given or hidden // heads


def share_of_heads(_: Fields, hidden: int, heads: int) -> int:
    """An equal share of the hidden size, whatever ``head_dim`` says."""
    return hidden // heads


def gqa(
    *,
    biases: Choice[str] = "",
    qk_norm: Choice[str] = "",
    windows: Windows = no_window,
    head_dim: Callable[[Fields, int, int], int] = head_width,
    sinks: bool = False,
    output_gate: bool = False,
) -> Piece:
    """Grouped-query attention.

    ``qk_norm``: ``head`` (one weight a channel of a head), ``full`` (all channels of queries and of keys) or
    nothing; ``sinks``: one scalar a head; ``output_gate``: queries carry a gate of their own width.
    """

    def piece(f: Fields) -> LayerBlocks:
        hidden, heads = hidden_size(f), f.int("num_attention_heads")
        kv_heads, width = kv_head_count(f, heads), head_dim(f, hidden, heads)
        norms = {"": 0, "head": 2 * width, "full": (heads + kv_heads) * width}[choose(qk_norm, f)]
        window_of = windows(f, num_layers(f))
        letters = choose(biases, f)

        def layer(index: int) -> tuple[Block, ...]:
            window, chunked = window_of(index)
            return (
                Attention(
                    hidden=hidden,
                    heads=heads,
                    kv_heads=kv_heads,
                    head_dim=width,
                    biases=letters,
                    vector_params=norms + (heads if sinks else 0),
                    q_extra_cols=heads * width if output_gate else 0,
                    window=window,
                    chunked=chunked,
                ),
            )

        return layer

    return piece


def mlp(
    *, width: Choice[int] | str = "intermediate_size", gated: Choice[bool] = True, biases: Choice[str] = ""
) -> Piece:
    """The same feed-forward block in every layer; ``width`` is a key or a function."""

    def piece(f: Fields) -> LayerBlocks:
        inner = f.int(width) if isinstance(width, str) else choose(width, f)
        block = Mlp(
            hidden=hidden_size(f), intermediate=inner, gated=choose(gated, f), biases=choose(biases, f)
        )
        return lambda _: (block,)

    return piece


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
    return Weight(name="embedding", component="embedding", rows=f.int("vocab_size"), cols=cols, kind="table")


def position_table(rows: int, cols: int, name: str = "position_embedding") -> Weight:
    """Learned positions."""
    return Weight(name=name, component="embedding", rows=rows, cols=cols, kind="table")


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

    ``outside``: what stands in no layer (default: an RMS norm); ``tied``: default ``tie_word_embeddings``.
    """
    stack = tuple(layers)
    vocab, hidden = f.int("vocab_size"), hidden_size(f)
    head = Weight(
        name="lm_head",
        component="lm_head",
        rows=head_rows or hidden,
        cols=vocab,
        bias=vocab if head_bias else 0,
        units=vocab,
    )
    return Model(
        model_type=f.model_type,
        hidden=hidden,
        num_layers=len(stack),
        vocab=vocab,
        groups=group_layers(stack),
        embedding=embedding or (embedding_table(f),),
        head=head,
        head_tied=f.flag("tie_word_embeddings") if tied is None else tied,
        outside=(final_norm(f),) if outside is None else outside,
        context_length_tokens=context_length(f),
        dtype=dtype(f),
    )


def context_length(f: Fields) -> int | None:
    """Longest context that the file states."""
    key = next(
        (key for key in ("max_position_embeddings", "seq_length", "max_sequence_length") if f.known(key)),
        None,
    )
    return None if key is None else f.optional_int(key)


def dtype(f: Fields) -> str:
    """The 16 or 32 bit type that the weights were published in; bf16 where the file does not say."""
    names = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
    stated = f.raw("torch_dtype", None) or f.raw("dtype", None)
    return names.get(str(stated).removeprefix("torch."), "bf16")


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
