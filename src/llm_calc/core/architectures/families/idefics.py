"""IDEFICS: between the layers of a Llama stand gated ones that attend across to the images.

Source: parameter shapes of the class of transformers 5.24.0; ``checked: 2026-11-30``, by count.
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
    share_of_heads,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.towers.parts import Weights, linear, norm, table
from llm_calc.core.architectures.towers.table import read_tower
from llm_calc.core.blocks import Attention, Block, Custom, Mlp, Norm, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector

VISION, PERCEIVER = "vision_config", "perceiver_config"
ALPHAS = ("float", "vector")


@family("idefics")
def idefics(f: Fields) -> Model:
    """Text meets the gated layers too, but for their keys and values, which are those of images."""
    f.agree(num_key_value_heads=f.int("num_attention_heads"))
    part = f.part(VISION)
    tower = read_tower(part, f.defaults.parts.get(VISION, ""))
    width = part.int("hidden_size") if tower is None else tower.width
    every = f.int("cross_layer_interval")
    layers = num_layers(f)
    pieces = [piece(f) for piece in (norms(), gqa(head_dim=share_of_heads, kv_heads=lambda _, h: h), mlp())]
    own = tuple(block for piece in pieces for block in piece(0))
    crossed = (*_crossing(f, width), *own)
    last = layers - layers % every
    stack = [crossed if index < last and index % every == 0 else own for index in range(layers)]
    f.warn(
        "products of text with images in the gated layers are in no figure; the class keeps no cache of them"
    )
    more = f.int("additional_vocab_size", least=0)
    rows = embedding_table(f)
    model = assemble(f, stack, embedding=(replace(rows, rows=rows.rows + more),))
    beside = () if tower is None else tower.weights
    head = replace(model.head, cols=model.head.cols + more, units=model.head.units + more)
    return replace(model, head=head, outside=model.outside + beside + _resampler(f, width))


def _crossing(f: Fields, image: int) -> tuple[Block, ...]:
    """Attention to images, a feed-forward block, two norms and two gates."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    kind = f.text("alpha_type")
    if kind not in ALPHAS:
        raise f.refusal("alpha_type", f"one of {', '.join(ALPHAS)}")
    gates = 2 * (hidden if kind == "vector" else 1)
    normed = 2 * (hidden // heads) if f.flag("qk_layer_norms") else 0
    attention = Attention(hidden=hidden, heads=heads, kv_heads=heads, head_dim=hidden // heads)
    weights = tuple(_across(weight, image) for weight in attention.parts().weights)
    vectors: tuple[Weight, ...] = (vector("cross_attention_gates", "other", gates),)
    if normed:
        vectors = (*vectors, vector("cross_attention_norms", "attention", normed))
    return (
        Custom(name="cross_attention", content=Parts(weights=(*weights, *vectors))),
        Mlp(hidden=hidden, intermediate=f.int("intermediate_size")),
        Norm(width=hidden, count=2),
    )


def _across(weight: Weight, image: int) -> Weight:
    """Keys and values are made of images, as wide as the tower."""
    return replace(weight, rows=image, used=0) if weight.name in ("k_proj", "v_proj") else weight


def _resampler(f: Fields, width: int) -> Weights:
    """Learned queries that attend to the patches of an image, as wide as the tower."""
    part = f.part(PERCEIVER)
    if not f.flag("use_resampler"):
        part.pass_by("when:no_resampler")
        return ()
    depth, inner = part.int("resampler_depth", least=0), 4 * width
    head = part.int("resampler_head_dim")
    heads = part.int("resampler_n_heads") * head
    latents = (table("resampler.latents", part.int("resampler_n_latents"), width),)
    last = (norm("resampler.final_norm", width),)
    if not depth:
        return latents + last
    normed = part.flag("qk_layer_norms_perceiver")
    return (
        *latents,
        norm("resampler.norms", width, copies=3 * depth),
        *((norm("resampler.qk_norms", head, copies=2 * depth),) if normed else ()),
        linear("resampler.qkv", width, heads, bias=False, copies=3 * depth),
        linear("resampler.out", heads, width, bias=False, copies=depth),
        linear("resampler.fc", width, inner, bias=False, copies=depth),
        linear("resampler.proj", inner, width, bias=False, copies=depth),
        *last,
    )
