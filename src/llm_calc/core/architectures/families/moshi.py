"""Kyutai's speech models: a temporal decoder over frames of sound, with a codec and a depth decoder beside it.

One feed-forward matrix of a layer holds gate and up; there is a window, and one more row of embeddings.
Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``, by count.
"""

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
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.towers.parts import Weights, as_tower, depth, linear, table
from llm_calc.core.architectures.towers.table import read_tower
from llm_calc.core.architectures.windows import sliding_everywhere
from llm_calc.core.blocks import Attention, Block, Mlp, Norm
from llm_calc.core.model import Model

WHOLE = "MoshiForConditionalGeneration"
CODEC, DEPTH = "audio_encoder_config", "depth_decoder_config"


@family("moshi")
def moshi(f: Fields) -> Model:
    """The temporal decoder, as its causal class builds it; the whole where ``architectures`` names its class."""
    table_ = embedding_table(f)
    model = assemble(f, _stack(f), embedding=(replace(table_, rows=table_.rows + 1),), tied=False)
    if WHOLE in (f.items("architectures", ()) or ()):
        return replace(model, outside=model.outside + _beside(f))
    f.pass_by("when:decoder_alone")
    f.warn(
        f"the temporal decoder alone is counted, as its causal class builds it: architectures names no {WHOLE}"
    )
    return model


@family("kyutai_speech_to_text")
def kyutai(f: Fields) -> Model:
    """Speech to text: codes of all codebooks and text share one table; the codec is part of the model."""
    table_ = embedding_table(f)
    codes = f.int("num_codebooks") * f.int("codebook_vocab_size")
    model = assemble(f, _stack(f), embedding=(replace(table_, rows=table_.rows + codes + 1),))
    return replace(model, outside=model.outside + _codec(f, "codec_config"))


def _stack(f: Fields) -> list[tuple[Block, ...]]:
    pieces = [piece(f) for piece in (norms(), gqa(windows=sliding_everywhere), mlp(width=_inner))]
    return [tuple(block for piece in pieces for block in piece(index)) for index in range(num_layers(f))]


def _inner(f: Fields) -> int:
    """``ffn_dim`` is the width of gate and up together."""
    width = f.int("ffn_dim")
    if width % 2:
        raise f.refusal("ffn_dim", "an even number")
    return width // 2


def _codec(f: Fields, key: str) -> Weights:
    part = f.part(key)
    if not f.given(key):
        f.assume(f"{key} is absent: the codec is what the class assumes")
    tower = read_tower(part, f.defaults.parts.get(key, ""))
    return () if tower is None else tower.weights


def _beside(f: Fields) -> Weights:
    """Tables for the codes of both speakers, the codec, and the decoder over the codes of one frame."""
    codec = _codec(f, CODEC)
    codes = f.optional_int("audio_vocab_size", least=1) or f.part(CODEC).int("codebook_size")
    f.warn("steps and cache of the depth decoder, which runs over the codes of each frame, are in no figure")
    tables = table("code_embedding", codes + 1, hidden_size(f), copies=2 * f.int("num_codebooks"))
    return (tables, *codec, *_depth_decoder(f, f.part(DEPTH), codes))


def _given_by(outer: Fields, part: Fields, codes: int) -> dict[str, int]:
    """Sizes of the depth decoder that the outer class sets itself, unless it builds that part of defaults alone."""
    if not outer.given(DEPTH):
        outer.assume(f"{DEPTH} is absent: the depth decoder is what the class assumes")
        return {
            key: part.int(key) for key in ("audio_vocab_size", "input_size", "vocab_size", "num_codebooks")
        }
    return {
        "audio_vocab_size": codes,
        "input_size": hidden_size(outer),
        "vocab_size": outer.int("vocab_size"),
        "num_codebooks": outer.int("num_codebooks"),
    }


def _depth_decoder(outer: Fields, f: Fields, codes: int) -> Weights:
    """Every codebook has matrices of its own in each layer; norms are shared."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    attention = Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=f.optional_int("num_key_value_heads", least=1) or heads,
        head_dim=f.optional_int("head_dim", least=1) or hidden // heads,
    )
    sizes = _given_by(outer, f, codes)
    many, codes = sizes["num_codebooks"], sizes["audio_vocab_size"]
    matrices = (*attention.parts().weights, *Mlp(hidden=hidden, intermediate=_inner(f)).parts().weights)
    layers = depth(f)
    return (
        table("depth.text_embedding", sizes["vocab_size"] + 1, hidden),
        *((table("depth.embedding", codes + 1, hidden, copies=many - 1),) if many > 1 else ()),
        linear("depth.input", sizes["input_size"], hidden, bias=False, copies=many),
        *as_tower(matrices, "depth.layers", layers * many),
        *as_tower(Norm(width=hidden, count=2).parts().weights, "depth.layers", layers),
        linear("depth.lm_head", hidden, codes, bias=False, copies=many),
    )
