"""Byte latent transformer: bytes in and out, a wide transformer over patches of bytes between them."""

from llm_calc.core.architectures.fields import MOST_LAYERS, Fields
from llm_calc.core.architectures.labels import context_length, dtype
from llm_calc.core.architectures.pieces import kv_head_count, norms, output_head
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Custom, Mlp, Parts
from llm_calc.core.model import Model, group_layers
from llm_calc.core.weights import Weight, vector

HASH_GROUPS = (3, 4, 5, 6, 7, 8)


def _attention(f: Fields, window: int | None) -> Attention:
    hidden, heads = f.int("hidden_size"), f.int("num_attention_heads")
    head_dim = hidden // heads
    f.agree(head_dim=head_dim)
    kv_heads = kv_head_count(f, heads)
    return Attention(hidden=hidden, heads=heads, kv_heads=kv_heads, head_dim=head_dim, window=window)


def _layers(f: Fields, window: int | None = None) -> list[tuple[Block, ...]]:
    """A plain stack; the feed-forward width is 8/3 of the hidden size unless stated."""
    width = f.optional_int("intermediate_size", least=1) or int(8 * f.int("hidden_size") / 3)
    blocks: tuple[Block, ...] = (
        _attention(f, window),
        Mlp(hidden=f.int("hidden_size"), intermediate=width),
        *norms(2)(f)(0),
    )
    return [blocks] * f.int("num_hidden_layers", most=MOST_LAYERS)


def _with_crossings(f: Fields, layers: list[tuple[Block, ...]]) -> list[tuple[Block, ...]]:
    """Cross-attention between bytes and patches, in the first layer or in all; its products are left out."""
    weights = _attention(f, None).parts().weights
    normed = (*weights, vector("cross_norms", "attention", 2 * f.int("hidden_size")))
    crossing = Custom(name="cross_attention", content=Parts(weights=normed))
    last = len(layers) if f.flag("cross_attn_all_layers") else 1
    return [(*blocks, crossing) if index < last else blocks for index, blocks in enumerate(layers)]


def _table(name: str, rows: int, cols: int, *, applied: bool = False) -> Weight:
    return Weight(
        name=name, component="embedding", rows=rows, cols=cols, kind="matrix" if applied else "table"
    )


def _patcher(f: Fields) -> tuple[list[tuple[Block, ...]], tuple[Weight, ...]]:
    """The small model that finds the ends of patches by their entropy."""
    hidden, vocab = f.int("hidden_size"), f.int("vocab_size")
    head = Weight(name="patcher_lm_head", component="other", rows=hidden, cols=vocab)
    ends = (_table("patcher_embedding", vocab, hidden), vector("patcher_norm", "norms", hidden), head)
    return _layers(f, f.optional_int("sliding_window") or None), ends


def _tables(f: Fields, encoder: Fields, decoder: Fields) -> tuple[Weight, ...]:
    """Bytes, hashed groups of bytes, and the projections between the widths of bytes and of patches."""
    local, wide = encoder.int("hidden_size"), f.part("global_config").int("hidden_size")
    groups = f.ints("encoder_hash_byte_group_size") or HASH_GROUPS
    hashes = f.int("encoder_hash_byte_group_vocab") * f.int("encoder_hash_byte_group_nb_functions")
    crossed = local * f.int("cross_attn_k")
    tables = (
        _table("embedding", encoder.int("vocab_size"), local),
        _table("hash_embedding", hashes * len(groups), local),
        _table("encoder_patch_projection", local, local * encoder.int("cross_attn_k"), applied=True),
        _table(
            "decoder_patch_projection",
            decoder.int("hidden_size_global"),
            decoder.int("hidden_size") * decoder.int("cross_attn_k"),
            applied=True,
        ),
    )
    if crossed == wide:
        return tables
    return (*tables, _table("global_projection", crossed, wide, applied=True))


@family("blt")
def blt(f: Fields) -> Model:
    """Encoder, global transformer, decoder, and the patcher if it runs in the same forward pass."""
    encoder, decoder = f.part("encoder_config"), f.part("decoder_config")
    f.assume(
        "bytes are counted as tokens, and the global transformer as running for every byte: patches of "
        "several bytes make it cheaper"
    )
    layers = [
        *_with_crossings(encoder, _layers(encoder, f.optional_int("local_attention_window_len") or None)),
        *_layers(f.part("global_config")),
        *_with_crossings(decoder, _layers(decoder)),
    ]
    outside: tuple[Weight, ...] = (vector("decoder_norm", "norms", decoder.int("hidden_size")),)
    patcher = f.part("patcher_config")
    if f.flag("patch_in_forward"):
        found, ends = _patcher(patcher)
        layers, outside = [*layers, *found], outside + ends
    wide, vocab = f.part("global_config").int("hidden_size"), f.int("vocab_size")
    return Model(
        model_type=f.model_type,
        hidden=wide,
        num_layers=len(layers),
        vocab=vocab,
        groups=group_layers(layers),
        embedding=_tables(f, encoder, decoder),
        head=output_head(decoder.int("hidden_size"), vocab, bias=False),
        head_tied=f.flag("tie_word_embeddings", default=False),
        outside=outside,
        context_length_tokens=context_length(f),
        dtype=dtype(f),
    )
