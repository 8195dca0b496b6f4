"""Decoders of the years between GPT-2 and Llama that go ways of their own."""

from dataclasses import replace

from llm_calc.core.architectures.families.gpt import multi_head, plain_mlp, positions, stack
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import (
    Decoder,
    assemble,
    embedding_table,
    filling_width,
    final_norm,
    gqa,
    head_width,
    hidden_size,
    mlp,
    norms,
    num_layers,
    share_of_heads,
    when,
)
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.windows import by_type, full_first, layer_types
from llm_calc.core.blocks import Attention, Block, Norm
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector


@family("bloom")
def bloom(f: Fields) -> Model:
    """BLOOM: ALiBi, a norm behind the embedding."""
    f.also("hidden_size", "n_embed")
    hidden = hidden_size(f)
    layers = stack(f, multi_head(f, biases="qkvo"), plain_mlp(f, 4 * hidden))
    ends = (vector("embedding_norm", "norms", 2 * hidden), final_norm(f, bias=True))
    return assemble(f, layers, outside=ends)


@family("mpt")
def mpt(f: Fields) -> Model:
    """MPT: ALiBi, no biases, norms without them."""
    hidden = hidden_size(f)
    _check_mpt(f)
    norm = Norm(width=hidden, count=2)
    layer: tuple[Block, ...] = (norm, multi_head(f), plain_mlp(f, 4 * hidden, biases=""))
    return assemble(f, [layer] * num_layers(f))


def _check_mpt(f: Fields) -> None:
    """Options that the reference class does not build."""
    options = f.part("attn_config")
    unusual = {
        "no_bias": not f.flag("no_bias"),
        "expansion_ratio": f.int("expansion_ratio") != 4,
        "attn_config.attn_type": options.text("attn_type", "multihead_attention") != "multihead_attention",
        "attn_config.qk_ln": options.flag("qk_ln", default=False),
        "attn_config.alibi": not options.flag("alibi", default=True),
    }
    for key in (key for key, is_unusual in unusual.items() if is_unusual):
        f.assume(f"{key} was ignored, as the reference class does")


@family("opt")
def opt(f: Fields) -> Model:
    """OPT: learned positions, two more than stated; the 350M model embeds narrower than it computes."""
    hidden, biased = hidden_size(f), f.flag("enable_bias")
    affine = f.flag("layer_norm_elementwise_affine")
    narrow = f.optional_int("word_embed_proj_dim", least=1) or hidden
    attention = multi_head(f, biases="qkvo" if biased else "")
    feed_forward = plain_mlp(f, f.int("ffn_dim"), biases="ud" if biased else "")
    layers = stack(f, attention, feed_forward, norms=2 if affine else 0)
    embedding = [embedding_table(f, width=narrow), positions(f, extra=2)]
    if narrow != hidden:
        embedding += [
            Weight(name="project_in", component="other", rows=narrow, cols=hidden),
            Weight(name="project_out", component="other", rows=hidden, cols=narrow),
        ]
    last_norm = f.flag("do_layer_norm_before") and not f.flag("_remove_final_layer_norm") and affine
    ends = (final_norm(f, bias=True),) if last_norm else ()
    return assemble(f, layers, embedding=tuple(embedding), outside=ends, head_rows=narrow)


@family("falcon")
def falcon(f: Fields) -> Model:
    """Falcon: multi-query (7B), grouped (40B, 180B) or full (RW) attention, one bias switch for all."""
    f.also("hidden_size", "n_embed")
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    f.agree(n_head=heads)
    f.agree(n_layer=num_layers(f))
    grouped = f.flag("new_decoder_architecture")
    kv_heads = _falcon_kv_heads(f, heads, grouped=grouped)
    biased = f.flag("bias")
    attention = multi_head(f, biases="qkvo" if biased else "", kv_heads=kv_heads)
    width = f.optional_int("ffn_hidden_size", least=1) or 4 * hidden
    if grouped and kv_heads != heads:
        f.assume(
            "the cache holds the shared key/value heads, as engines do; the reference class copies them to every head"
        )
    layers = stack(
        f,
        attention,
        plain_mlp(f, width, biases="ud" if biased else ""),
        norms=_falcon_norms(f, grouped=grouped),
    )
    return assemble(f, layers, outside=(final_norm(f, bias=True),))


def _falcon_kv_heads(f: Fields, heads: int, *, grouped: bool) -> int:
    shared = f.optional_int("num_kv_heads", least=1) or heads
    multi_query = f.flag("multi_query")
    if grouped:
        return shared
    return 1 if multi_query else heads


def _falcon_norms(f: Fields, *, grouped: bool) -> int:
    stated = f.optional_int("num_ln_in_parallel_attn") if f.known("num_ln_in_parallel_attn") else None
    if not f.flag("parallel_attn"):
        return 2
    return 2 if (stated or (2 if grouped else 1)) == 2 else 1


def _phi_width(f: Fields, hidden: int, heads: int) -> int:
    """Norms of queries and keys are as wide as an equal share of the hidden size: heads have to be so too."""
    return filling_width(f, hidden, heads) if f.flag("qk_layernorm") else head_width(f, hidden, heads)


PHI = Decoder(
    attention=gqa(biases="qkvo", qk_norm=when("qk_layernorm", "head_biased"), head_dim=_phi_width),
    feed_forward=mlp(
        width=lambda f: f.optional_int("intermediate_size", least=1) or 4 * hidden_size(f),
        gated=False,
        biases="ud",
    ),
    norms=norms(1, bias=True),
    final_norm_bias=True,
    head_bias=True,
)
register("phi", read=PHI)
register(
    "persimmon",
    read=Decoder(
        attention=gqa(
            biases="qkvo",
            qk_norm=when("qk_layernorm", "head_biased"),
            head_dim=share_of_heads,
            kv_heads=lambda _, heads: heads,
        ),
        feed_forward=mlp(gated=False, biases="ud"),
        norms=norms(2, bias=True),
        final_norm_bias=True,
    ),
)


@family("cpmant")
def cpmant(f: Fields) -> Model:
    """CPM-Ant: bidirectional over prompts, relative positions and segments in tables, prompts in the vocabulary."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    prompts, segments = f.int("prompt_types") * f.int("prompt_length"), f.int("segment_types")
    attention = Attention(hidden=hidden, heads=heads, kv_heads=heads, head_dim=f.int("dim_head"))
    layers: list[tuple[Block, ...]] = [
        (Norm(width=hidden, count=2), attention, *mlp(width="dim_ff")(f)(0)) for _ in range(num_layers(f))
    ]
    buckets = segments * segments + f.int("position_bias_num_buckets")
    f.assume(
        "the prompt and the answer of CPM-Ant are counted as one sequence; its prompt table is counted as embedding"
    )
    tables = (
        Weight(
            name="embedding",
            component="embedding",
            rows=f.int("vocab_size") + prompts,
            cols=hidden,
            kind="table",
        ),
        Weight(name="segment_embedding", component="embedding", rows=segments, cols=hidden, kind="table"),
        Weight(name="position_bias", component="embedding", rows=buckets, cols=heads, kind="table"),
    )
    return assemble(f, layers, embedding=tables)


@family(
    "modernbert-decoder",
)
def modernbert_decoder(f: Fields) -> Model:
    """ModernBERT as a decoder: windows of half of ``local_attention``, a dense layer and a norm before the head."""
    hidden, biased_norms = hidden_size(f), f.flag("norm_bias")
    period = f.int("global_attn_every_n_layers", 3)
    windows = by_type(layer_types(full_first(period)), "local_attention")(f, num_layers(f))
    layers: list[tuple[Block, ...]] = []
    for index in range(num_layers(f)):
        window = windows(index)[0]
        attention = replace(
            multi_head(f, biases="qkvo" if f.flag("attention_bias") else ""),
            window=window // 2 if window else None,
        )
        norm = Norm(width=hidden, count=2 if index else 1, bias=biased_norms)
        layers.append((norm, attention, *mlp(biases="gud" if f.flag("mlp_bias") else "")(f)(index)))
    width = hidden * (2 if biased_norms else 1)
    ends = (
        vector("embedding_norm", "norms", width),
        vector("final_norm", "norms", width),
        vector("head_norm", "norms", width),
        Weight(
            name="head_dense",
            component="other",
            rows=hidden,
            cols=hidden,
            bias=hidden * f.flag("classifier_bias"),
        ),
    )
    return assemble(f, layers, outside=ends, head_bias=f.flag("decoder_bias"))
