"""Memory: parameters by component, weight bytes, KV cache bytes, activation bytes.

Everything is a sum over the parts of a ``Model``. ``tokens`` and ``sequences`` may be arrays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from llm_calc.core.arrays import Quantity, ceil_div, larger, smaller
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.model import Model, Placed
from llm_calc.core.overheads import layer_peak_width
from llm_calc.core.parallelism import (
    Layout,
    indices_inside,
    stage_placed,
    weight_share,
)
from llm_calc.core.stages import stage_caches, unlike_stages
from llm_calc.core.weights import COMPONENTS, Cache, Component, Weight


@lru_cache(maxsize=512)
def parameters_by_component(model: Model) -> Mapping[Component, int]:
    """Parameters of each component [parameters]; a tied head counts once.

    ``sum over tensors of stored sets x copies x (rows x cols + bias)``.
    Definition: what ``named_parameters()`` of the reference classes counts. Buffers (correction biases of routers,
    rotary tables) and layers that only training or speculation uses are left out.
    """
    counts = dict.fromkeys(COMPONENTS, 0)
    for placed in model.placed:
        counts[placed.weight.component] += placed.stored * placed.weight.params
    return MappingProxyType(counts)


def total_parameters(model: Model) -> int:
    """All parameters of a model [parameters].

    ``sum over components``.
    Definition: see :func:`parameters_by_component`.
    """
    return sum(parameters_by_component(model).values())


def active_parameters(model: Model) -> int:
    """Parameters that one token meets [parameters]; embedding and head both counted.

    ``total - sum over routed expert tensors of parameters x (1 - k / E)``, k of E experts being used.
    Definition: as mixtures of experts are named; shared experts are always active. A tied head counts once.
    """
    return round(sum(placed.stored * placed.weight.active_params for placed in model.placed))


def weight_bytes(
    weight: Weight, elements: float, number_format: NumberFormat, vectors: NumberFormat
) -> float:
    """Bytes of ``elements`` parameters of one weight [bytes].

    ``elements x (matrix share x bytes of its format + bias share x bytes of the vectors' format)``.
    Definition: a bias is stored as other vectors are, whatever format its matrix has; an absent format takes no
    bytes.
    """
    if not number_format.element_bits:
        return 0.0
    matrix = elements * weight.matrix_params / weight.params
    return matrix * number_format.bytes_per_element + (elements - matrix) * vectors.bytes_per_element


@lru_cache(maxsize=512)
def weights_bytes(model: Model, recipe: WeightRecipe) -> float:
    """Bytes of all weights in one copy, as the recipe stores them [bytes]; a tied head once.

    ``sum over tensors of stored sets x elements x bytes of the tensor's format``; the mean over a tensor's layers
    where the recipe tells layers apart.
    Definition: the tensors of a checkpoint. What engines add to them is in ``engines.weights``.
    """
    return sum(_stored_bytes(recipe, placed) for placed in model.placed)


def _stored_bytes(recipe: WeightRecipe, placed: Placed) -> float:
    weight = placed.weight
    if not placed.stored or not weight.params:
        return 0.0
    layers = placed.indices[: placed.stored] or (0,)
    return _over_layers(recipe, weight, weight.params, layers) * placed.stored / len(layers)


def _over_layers(recipe: WeightRecipe, weight: Weight, elements: float, layers: Sequence[int]) -> float:
    """Bytes of so many elements in each of these layers, all together; those of equal formats are counted at once."""
    return sum(
        count * weight_bytes(weight, elements, number_format, recipe.vectors)
        for number_format, count in recipe.formats_over(weight, layers).items()
    )


@lru_cache(maxsize=512)
def stage_shares(
    model: Model, recipe: WeightRecipe, layout: Layout, stage: int
) -> tuple[tuple[Weight, float], ...]:
    """Every weight of a pipeline stage (counted from 0) with its bytes on the GPU that holds most of it [bytes].

    ``stored sets in the stage x bytes of the largest share`` (:func:`.parallelism.weight_share`).
    Definition: sharding as in ``parallelism``, formats as in :func:`weights_bytes`.
    """
    bounds = layout.bounds(model.num_layers, model.draft_layers)[stage]
    return tuple(
        (placed.weight, stored * _share_bytes(recipe, layout, placed, bounds))
        for placed, stored in stage_placed(model, bounds)
        if stored and placed.weight.params
    )


def _share_bytes(recipe: WeightRecipe, layout: Layout, placed: Placed, bounds: range) -> float:
    """Bytes of one set on the fullest GPU, the mean over the stage's layers where formats differ by layer."""
    layers = indices_inside(placed.indices, bounds) or (0,)
    share = weight_share(placed.weight, layout)
    return _over_layers(recipe, placed.weight, share, layers) / len(layers)


@lru_cache(maxsize=2048)
def stage_weights_bytes(model: Model, recipe: WeightRecipe, layout: Layout, stage: int) -> float:
    """Weight bytes on the fullest GPU of one pipeline stage, ``stage`` counted from 0 [bytes].

    ``sum over the stage's tensors`` of :func:`stage_shares`.
    Definition: one GPU is taken to hold the largest share of every tensor.
    """
    return sum(size for _, size in stage_shares(model, recipe, layout, stage))


@lru_cache(maxsize=512)
def weights_bytes_per_gpu(model: Model, recipe: WeightRecipe, layout: Layout) -> float:
    """Weight bytes on the GPU that holds most [bytes].

    ``max over pipeline stages of stage_weights_bytes``.
    Definition: the fullest GPU decides whether a model fits.
    """
    return max(stage_weights_bytes(model, recipe, layout, stage) for stage in range(layout.pipeline))


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFormat:
    """Bytes an element of the KV cache, and of a recurrent state whose width no layer prescribes."""

    bytes_per_element: float = 2.0
    state_bytes_per_element: float = 2.0


def cached_tokens(cache: Cache, tokens: Quantity) -> Quantity:
    """Tokens that a layer keeps for a context of ``tokens`` [tokens].

    ``min(tokens, window)``; a compressed cache is rounded up to whole entries, ``ceil(kept / c) x c`` with c tokens
    an entry.
    Definition: a window drops what lies before it; an entry is kept from its first token on.
    """
    kept = tokens if cache.window is None else smaller(tokens, cache.window)
    return (
        kept
        if cache.tokens_per_entry == 1
        else ceil_div(kept, cache.tokens_per_entry) * cache.tokens_per_entry
    )


def cache_bytes(cache: Cache, tokens: Quantity, formats: CacheFormat) -> Quantity:
    """Bytes that one layer keeps of one sequence with ``tokens`` of context [bytes].

    ``kept tokens x elements a token x bytes an element + state elements x bytes of the state``.
    Definition: keys and values of every kept token, and the recurrent state, which no context makes larger.
    """
    growing = cached_tokens(cache, tokens) * cache.elements_per_token * formats.bytes_per_element
    return growing + _state_bytes(cache, formats)


def _state_bytes(cache: Cache, formats: CacheFormat) -> float:
    width = cache.state_bits / 8 if cache.state_bits else formats.state_bytes_per_element
    return cache.state_elements * width


@lru_cache(maxsize=512)
def layer_caches(model: Model) -> tuple[tuple[Cache, int], ...]:
    """Every kind of cache in the model with the number of layers that keep one [layers].

    Definition: equal caches are counted together, one for each position in the stack.
    """
    counts: dict[Cache, int] = {}
    for group in model.groups:
        for cache in group.parts.caches:
            counts[cache] = counts.get(cache, 0) + group.calls
    return tuple(counts.items())


def kv_cache_bytes(
    model: Model, tokens: Quantity, sequences: Quantity = 1, formats: CacheFormat = CacheFormat()
) -> Quantity:
    """Bytes of all caches of ``sequences`` sequences with ``tokens`` of context each, on one GPU [bytes].

    ``sequences x sum over layers of (min(tokens, window) x elements x bytes + state)``: for plain attention ``2 x
    layers x kv_heads x head_dim x bytes x tokens`` a sequence.
    Definition: keys and values of every token that a layer still sees, as each block's own docstring counts them.
    Leaves out: what engines reserve beyond it (pages, window slack), which is a matter of the engine.
    """
    total: Quantity = 0
    for cache, layers in layer_caches(model):
        total = total + layers * cache_bytes(cache, tokens, formats)
    return sequences * total


def kv_cache_bytes_per_token(
    model: Model, formats: CacheFormat = CacheFormat(), *, beyond_windows: bool = False
) -> float:
    """Growth of the cache of one sequence with one more token, below every window or beyond all of them [bytes].

    ``sum over layers of elements a token x bytes an element``, layers with a window left out beyond it.
    Definition: the slope of :func:`kv_cache_bytes`.
    """
    return sum(
        layers * cache.elements_per_token * formats.bytes_per_element
        for cache, layers in layer_caches(model)
        if not (beyond_windows and cache.window is not None)
    )


def state_bytes_per_sequence(model: Model, formats: CacheFormat = CacheFormat()) -> float:
    """Bytes of recurrent and convolution state of one sequence, whatever its length [bytes].

    ``sum over layers of state elements x bytes of the state``.
    Definition: as the reference classes keep it; engines leave one column of each convolution away
    (``spare_state_elements``).
    """
    return sum(layers * _state_bytes(cache, formats) for cache, layers in layer_caches(model))


def stage_kv_cache_bytes(
    model: Model,
    layout: Layout,
    stage: int,
    tokens: Quantity,
    sequences: Quantity,
    formats: CacheFormat = CacheFormat(),
) -> Quantity:
    """Cache bytes on one GPU of a pipeline stage [bytes]; ``sequences`` is the total of the deployment.

    ``ceil(sequences / data) x sum over the stage's layers of share x cache_bytes``: data parallelism splits the
    sequences, tensor parallelism the heads; heads or latent vectors that cannot be split are kept by every GPU.
    Source: vLLM 0.33.0 ``model_executor/layers/linear.py``, ``QKVParallelLinear``, for what is replicated; its
    documentation, "Data Parallel Deployment", for sequences; checked: 2026-11-30, read.
    Leaves out: sequences that are dealt unevenly beyond the rounding.
    """
    total: Quantity = 0
    for cache, weight in stage_caches(model, layout, stage):
        total = total + weight * cache_bytes(cache, tokens, formats)
    return ceil_div(sequences, layout.data) * total


def kv_cache_bytes_per_gpu(
    model: Model, layout: Layout, tokens: Quantity, sequences: Quantity, formats: CacheFormat = CacheFormat()
) -> Quantity:
    """Cache bytes on the GPU that holds most [bytes].

    ``max over pipeline stages of stage_kv_cache_bytes``.
    Definition: the fullest GPU decides.
    """
    most: Quantity = 0
    for stage, _ in unlike_stages(model, layout):
        most = larger(most, stage_kv_cache_bytes(model, layout, stage, tokens, sequences, formats))
    return most


def activation_bytes(
    model: Model, batch: Quantity, tokens: Quantity, bytes_per_element: float, tensor: int = 1
) -> Quantity:
    """Working memory alive at once in one forward pass with fused attention, no S x S matrix [bytes].

    ``batch x tokens x (2 x hidden + widest intermediate) x bytes + batch x ceil(vocabulary / tensor) x 4``: residual
    stream and its normalised copy, the widest layer's intermediates (:func:`.overheads.layer_peak_width`), and
    float32 logits of one position a sequence.
    Choice: nothing is kept for a backward pass, so that one layer's tensors and the stream are all; engines' own
    peaks are those of :mod:`.overheads`, held against start-up logs.
    Leaves out: fragmentation and the workspaces of libraries.
    """
    per_token = 2 * model.hidden + layer_peak_width(model, tensor)
    logits = batch * (ceil_div(model.vocab, tensor)) * 4
    return batch * tokens * per_token * bytes_per_element + logits
