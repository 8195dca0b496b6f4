"""XLM, XLNet and the decoder of TrOCR.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``, by count.
"""

from dataclasses import replace

from llm_calc.core.architectures.families.gpt import multi_head, plain_mlp, positions, stack
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import assemble, embedding_table, hidden_size, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Custom, Mlp, Norm, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Cache, Scores, Weight, vector


@family("xlm")
def xlm(f: Fields) -> Model:
    """XLM: learned positions, a table of languages, norms behind each block, a bias at the head."""
    if f.flag("asm"):
        raise f.refusal("asm", "false: an adaptive softmax is not read")
    if not f.flag("is_encoder"):
        raise f.refusal("is_encoder", "true: the class builds no other")
    hidden, languages = hidden_size(f), f.int("n_langs")
    tables: tuple[Weight, ...] = (embedding_table(f), positions(f))
    if f.flag("use_lang_emb") and languages > 1:
        tables += (
            Weight(name="languages", component="embedding", rows=languages, cols=hidden, kind="table"),
        )
    layers = stack(f, multi_head(f, biases="qkvo"), plain_mlp(f, 4 * hidden))
    ends = (vector("embedding_norm", "norms", 2 * hidden),)
    return assemble(f, layers, embedding=tables, outside=ends, head_bias=True)


@family("xlnet")
def xlnet(f: Fields) -> Model:
    """XLNet: relative positions with a matrix of their own; hidden states are kept instead of keys and values."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    if hidden % heads:
        raise f.refusal("num_attention_heads", f"a divisor of the hidden size ({hidden})")
    width = hidden // heads
    f.agree(d_head=width)
    if f.optional_int("d_head", None) not in (None, 0, width):
        raise f.refusal("d_head", f"hidden size / heads ({width})")
    layer: tuple[Block, ...] = (
        _relative(f, hidden, heads, width),
        Mlp(hidden=hidden, intermediate=f.int("d_inner"), gated=False, biases="ud"),
        Norm(width=hidden, count=2, bias=True),
    )
    ends = (vector("mask_embedding", "embedding", hidden),)
    return assemble(f, [layer] * num_layers(f), outside=ends, head_bias=True)


def _relative(f: Fields, hidden: int, heads: int, width: int) -> Block:
    """Keys and values of what is remembered are made anew in every step, of hidden states of ``mem_len`` tokens."""
    own = Attention(hidden=hidden, heads=heads, kv_heads=heads, head_dim=width).parts().weights
    place = replace(own[0], name="r_proj")
    kept = f.optional_int("mem_len") if f.flag("use_mems_eval") else 0
    again = [
        replace(w, over_context=True, context_window=kept) if w.name in ("k_proj", "v_proj") else w
        for w in own
    ]
    caches = (Cache(kind="sliding", elements_per_token=hidden, window=kept),) if kept else ()
    f.warn("what XLNet keeps are hidden states, of which keys and values are made anew in every step")
    return Custom(
        name="attention",
        content=Parts(
            weights=(*again, place, vector("attention_vectors", "attention", 5 * heads * width)),
            scores=(Scores(heads=heads, qk_dim=2 * width, v_dim=width, window=kept or None, units=heads),),
            caches=caches,
        ),
    )


@family("trocr")
def trocr(f: Fields) -> Model:
    """TrOCR's decoder: weights of the attention across to an image are counted, its products and keys are not."""
    hidden = hidden_size(f)
    f.agree(is_decoder=True)
    image = f.optional_int("cross_attention_hidden_size", least=1) or hidden
    own = multi_head(f, biases="qkvo")
    across = tuple(
        replace(weight, rows=image if weight.name in ("k_proj", "v_proj") else weight.rows, used=0)
        for weight in own.parts().weights
    )
    crossing = Custom(name="cross_attention", content=Parts(weights=across))
    layers = stack(f, own, crossing, plain_mlp(f, f.int("decoder_ffn_dim")), norms=3)
    f.warn(
        "attention across to an image runs with an encoder alone: its products and its keys are in no figure"
    )
    tables: tuple[Weight, ...] = (embedding_table(f),)
    if f.flag("use_learned_position_embeddings"):
        tables = (*tables, positions(f, extra=2))
    ends = (vector("embedding_norm", "norms", 2 * hidden),) if f.flag("layernorm_embedding") else ()
    return assemble(f, layers, embedding=tables, outside=ends)
