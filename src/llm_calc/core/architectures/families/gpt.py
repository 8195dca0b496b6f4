"""Decoders in the line of GPT-2: learned positions or none, LayerNorm, plain feed-forward, many biases."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import (
    assemble,
    embedding_table,
    final_norm,
    hidden_size,
    num_layers,
    position_table,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Mlp, Norm
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight


def multi_head(f: Fields, *, biases: str = "", kv_heads: int | None = None) -> Attention:
    """Attention with heads of equal shares of the hidden size."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    if hidden % heads:
        raise f.refusal("num_attention_heads", f"a divisor of the hidden size ({hidden})")
    return Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads or heads,
        head_dim=hidden // heads,
        biases=biases,
    )


def plain_mlp(f: Fields, width: int | None = None, *, biases: str = "ud") -> Mlp:
    """Two matrices; ``n_inner`` wide, four times the hidden size where that is null."""
    hidden = hidden_size(f)
    inner = width or (f.optional_int("n_inner", least=1) if f.known("n_inner") else None) or 4 * hidden
    return Mlp(hidden=hidden, intermediate=inner, gated=False, biases=biases)


def stack(f: Fields, *blocks: Block, norms: int = 2) -> list[tuple[Block, ...]]:
    """Equal layers with biased LayerNorms."""
    return [(Norm(width=hidden_size(f), count=norms, bias=True), *blocks)] * num_layers(f)


def positions(f: Fields, *, extra: int = 0) -> Weight:
    """A learned table of positions."""
    return position_table(f.int("max_position_embeddings") + extra, hidden_size(f))


def refuse_cross_attention(f: Fields) -> None:
    """Decoders with an encoder beside them are another kind of model."""
    if f.flag("add_cross_attention", default=False):
        raise f.refusal("add_cross_attention", "false: models with an encoder are not supported")


def with_positions(
    f: Fields, layers: list[tuple[Block, ...]], *, extra: int = 0, last_norm: bool = True
) -> Model:
    """Learned positions at the input, a biased norm behind the last layer."""
    return assemble(
        f,
        layers,
        embedding=(embedding_table(f), positions(f, extra=extra)),
        outside=(final_norm(f, bias=True),) if last_norm else (),
    )


@family("gpt2", "gpt-sw3")
def gpt2(f: Fields) -> Model:
    """GPT-2."""
    refuse_cross_attention(f)
    return with_positions(f, stack(f, multi_head(f, biases="qkvo"), plain_mlp(f)))


@family("openai-gpt")
def openai_gpt(f: Fields) -> Model:
    """GPT-1: no norm behind the last layer."""
    return with_positions(f, stack(f, multi_head(f, biases="qkvo"), plain_mlp(f)), last_norm=False)


@family("gpt_bigcode")
def gpt_bigcode(f: Fields) -> Model:
    """GPT-2 with one key/value head."""
    refuse_cross_attention(f)
    kv_heads = 1 if f.flag("multi_query") else None
    return with_positions(f, stack(f, multi_head(f, biases="qkvo", kv_heads=kv_heads), plain_mlp(f)))


@family("gpt_neo")
def gpt_neo(f: Fields) -> Model:
    """GPT-Neo: biases of the output alone; local layers mask what is far, but compute and cache it."""
    feed_forward = plain_mlp(f, f.optional_int("intermediate_size", least=1))
    return with_positions(f, stack(f, multi_head(f, biases="o"), feed_forward))


@family("gptj", "codegen")
def gptj(f: Fields) -> Model:
    """GPT-J, CodeGen: rotary positions, one norm a layer, a bias at the head."""
    layers = stack(f, multi_head(f), plain_mlp(f), norms=1)
    return assemble(f, layers, outside=(final_norm(f, bias=True),), head_bias=True)


@family("gpt_neox")
def gpt_neox(f: Fields) -> Model:
    """GPT-NeoX: rotary positions, biases."""
    attention = multi_head(f, biases="qkvo" if f.flag("attention_bias") else "")
    layers = stack(f, attention, plain_mlp(f, f.int("intermediate_size")))
    return assemble(f, layers, outside=(final_norm(f, bias=True),))


@family("gpt_neox_japanese")
def gpt_neox_japanese(f: Fields) -> Model:
    """GPT-NeoX-Japanese: of all projections only the last layer's output has a bias."""
    width = f.int("intermediate_multiple_size") * hidden_size(f)
    layers = stack(f, multi_head(f), plain_mlp(f, width, biases=""))
    layers[-1:] = stack(f, multi_head(f, biases="o"), plain_mlp(f, width, biases=""))[:1]
    return assemble(f, layers, outside=(final_norm(f, bias=True),))


@family("biogpt")
def biogpt(f: Fields) -> Model:
    """BioGPT: two more positions than stated."""
    return with_positions(
        f, stack(f, multi_head(f, biases="qkvo"), plain_mlp(f, f.int("intermediate_size"))), extra=2
    )


@family("xglm")
def xglm(f: Fields) -> Model:
    """XGLM: sinusoidal positions."""
    refuse_cross_attention(f)
    layers = stack(f, multi_head(f, biases="qkvo"), plain_mlp(f, f.int("ffn_dim")))
    return assemble(f, layers, outside=(final_norm(f, bias=True),))


@family("ctrl")
def ctrl(f: Fields) -> Model:
    """CTRL: sinusoidal positions, a bias at the tied head."""
    layers = stack(f, multi_head(f, biases="qkvo"), plain_mlp(f, f.int("dff")))
    return assemble(f, layers, outside=(final_norm(f, bias=True),), head_bias=True)
