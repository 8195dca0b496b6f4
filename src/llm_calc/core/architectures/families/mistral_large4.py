"""Mistral Large 4: latent attention without a query rank, latents shared between layers, indexers fed by hidden states.

Source: parameter shapes and layer rules of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

from dataclasses import replace

from llm_calc.core.architectures.families.deepseek import BIASES, BY_TYPES, indexer_types
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.latent import (
    LatentShape,
    attention_vectors,
    refuse_other_kinds,
    sparse_indexer,
)
from llm_calc.core.architectures.pieces import (
    assemble,
    final_norm,
    hidden_size,
    norms,
    num_layers,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Block, Custom, LatentAttention
from llm_calc.core.model import Model
from llm_calc.core.weights import vector

ROTATED_OF_FOUR = 4


def _rotated(f: Fields, layers: int) -> tuple[bool, ...]:
    """Layers whose queries and keys are rotated: by a list of 1 and 0, else all but every fourth."""
    given = f.ints("no_rope_layers", None)
    if given is None:
        every = f.int("no_rope_layer_interval", ROTATED_OF_FOUR)
        return tuple((index + 1) % every != 0 for index in range(layers))
    if len(given) < layers or not {0, 1}.issuperset(given):
        raise f.refusal("no_rope_layers", f"a list of {layers} of 0, 1")
    return tuple(value == 1 for value in given[:layers])


def _own_latents(f: Fields, layers: int) -> tuple[bool, ...]:
    """Layers that make a latent of their own; the others read that of an earlier one."""
    sources = f.ints("kv_source_layers", None)
    if sources is None:
        return (True,) * layers
    right = len(sources) == layers and all(
        0 <= source <= index and sources[source] == source for index, source in enumerate(sources)
    )
    if not right:
        raise f.refusal(
            "kv_source_layers", f"a list of {layers}: each layer or an earlier one that is its own"
        )
    return tuple(source == index for index, source in enumerate(sources))


def _attention(f: Fields, shape: LatentShape, *, rotated: bool, own: bool) -> tuple[Block, ...]:
    """A layer without rotation has no shared rotated key: its width goes to the keys of each head."""
    if not rotated:
        shape = replace(shape, nope_dim=shape.nope_dim + shape.rope_dim, rope_dim=0)
    usual = shape.attention(hidden_size(f), biases=BIASES(f), top_k=f.int("index_topk"))
    scaling = Custom(name="softmax_scaling", content=attention_vectors("softmax_scaling", 2 * shape.heads))
    return (usual if own else _borrowing(usual), scaling)


def _borrowing(usual: LatentAttention) -> Block:
    """The same without a latent of its own: neither its projection and norm, nor its cache."""
    parts = usual.parts()
    weights = tuple(
        weight for weight in parts.weights if weight.name not in ("kv_a_proj", "attention_vectors")
    )
    return Custom(name="borrowed_latent_attention", content=replace(parts, weights=weights, caches=()))


def _indexer(f: Fields) -> tuple[Block, ...]:
    hidden = hidden_size(f)
    extra = attention_vectors("indexer_scaling", 2 * hidden + 2 * f.int("index_n_heads"))
    return (sparse_indexer(f, hidden, hidden), Custom(name="indexer_scaling", content=extra))


@family("mistral_large4_text")
def mistral_large4_text(f: Fields) -> Model:
    """Each layer: two norms, attention with or without a latent and an indexer of its own, dense or routed."""
    layers, shape = num_layers(f), replace(LatentShape.of(f), q_rank=None)
    refuse_other_kinds(f)
    rotated, own, indexed = _rotated(f, layers), _own_latents(f, layers), indexer_types(f, layers)
    around, feed_forward, indexer = norms(2)(f), BY_TYPES(f), _indexer(f)
    stack = [
        (
            *around(index),
            *_attention(f, shape, rotated=rotated[index], own=own[index]),
            *(indexer if indexed(index) else ()),
            *feed_forward(index),
        )
        for index in range(layers)
    ]
    frequencies = vector("rope_frequencies", "attention", shape.rope_dim // 2)
    return assemble(f, stack, outside=(final_norm(f), frequencies))
