"""Weight bytes on one device as engines load them: padding, ends of the stack, repacked formats."""

from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.core.arrays import ceil_div
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.memory import weight_bytes
from llm_calc.core.model import Model, Placed
from llm_calc.core.parallelism import ENDS, ROUTED, Layout, indices_inside, stage_placed, weight_share
from llm_calc.core.weights import Scores, Weight

TABLE_BYTES = 2
"""Width of tables and copies that engines make while loading."""
NGRAM_TABLES = ("engram_table", "ngram_embedding")
"""Names of tables of n-grams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertPadding:
    """Multiples that expert matrices in ``format`` are padded to.

    Of the hidden width and, on each GPU, of the intermediate width (``gated`` experts and ``plain`` ones apart).
    """

    format: str
    hidden: int = 1
    gated: int = 1
    plain: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRules:
    """How an engine departs from the stored file.

    ``vocab_multiple``: embedding and head are padded to a multiple of so many rows before they are cut.
    ``whole_ends``: with data-parallel attention every GPU keeps embedding and head whole.
    ``rotary_table``: sines and cosines of all positions are kept as a tensor of the model. ``cut_towers``: the
    matrices of vision and audio towers are cut by tensor parallelism like those of the decoder; ``whole_towers``: every
    GPU keeps them whole. ``redundant_experts``: experts of each layer that are stored once more than the model has.
    ``absorbed_copy``: the decompression of a latent cache is kept a second time in 16 bits, split for decode.
    ``paddings``: what kernels ask of expert matrices in formats of their own.
    """

    vocab_multiple: int = 1
    whole_ends: bool = False
    rotary_table: bool = False
    cut_towers: bool = False
    whole_towers: bool = False
    redundant_experts: int = 0
    absorbed_copy: bool = False
    paddings: tuple["ExpertPadding", ...] = ()


@lru_cache(maxsize=4096)
def device_weights_bytes(
    model: Model, recipe: WeightRecipe, layout: Layout, stage: int, rules: WeightRules
) -> float:
    """Weight bytes on the fullest GPU of a pipeline stage, as the engine holds them [bytes].

    ``sum over tensors of stored sets x share x padding x bytes of the tensor's format``, and rotary tables and copies
    where the rules have them.
    Choice: one sum for all engines; each engine's module names the files that its rules are read from, and sizes are
    held against start-up logs (``docs/memory.md``).
    Leaves out: memory that loading leaves behind in the allocator.
    """
    bounds = layout.bounds(model.num_layers, model.draft_layers)[stage]
    total = rotary_table_bytes(model) if rules.rotary_table else 0.0
    for placed, stored in stage_placed(model, bounds):
        if stored and placed.weight.params:
            total += _bytes(model, recipe, layout, placed, bounds, rules) * stored
    return total


def ngram_tables_bytes(
    model: Model, recipe: WeightRecipe, layout: Layout, stage: int, rules: WeightRules
) -> float:
    """Of the weights those in tables of n-grams, which vLLM keeps in host memory unless it is told otherwise [bytes].

    ``sum over tables of stored sets x share x bytes of the table's format``.
    Source: vLLM 0.33.0 ``vllm/config/engram.py``, ``EngramConfig.cpu_offload``, and ``vllm/config/vllm.py``, which
    makes one for models with such layers; checked: 2026-12-01, read.
    Leaves out: ``engram_config``, and copies that replicas of one host share.
    """
    bounds = layout.bounds(model.num_layers, model.draft_layers)[stage]
    return sum(
        _bytes(model, recipe, layout, placed, bounds, rules) * stored
        for placed, stored in stage_placed(model, bounds)
        if placed.weight.name in NGRAM_TABLES and stored
    )


def _bytes(
    model: Model, recipe: WeightRecipe, layout: Layout, placed: Placed, bounds: range, rules: WeightRules
) -> float:
    """Bytes of one stored set, the mean over the layers of the stage."""
    weight = placed.weight
    elements = device_elements(model, weight, layout, rules)
    layers = indices_inside(placed.indices, bounds) or (0,)
    total = 0.0
    for number_format, count in recipe.formats_over(weight, layers).items():
        padding = _expert_padding(model, weight, layout, number_format, rules)
        total += count * padding * weight_bytes(weight, elements, number_format, recipe.vectors)
    absorbed = rules.absorbed_copy and weight.over_context
    return total / len(layers) + (elements * TABLE_BYTES if absorbed else 0.0)


def device_elements(model: Model, weight: Weight, layout: Layout, rules: WeightRules) -> float:
    """Elements of one tensor on the fullest GPU; embedding and head are cut by padded vocabulary rows [elements].

    ``params / vocabulary x padded_rows / ways`` for embedding and head, ``params / tensor`` for towers that are cut,
    else :func:`.parallelism.weight_share`, of ``experts + redundant ones`` where there are such.
    Source: vLLM 0.33.0 ``vllm/model_executor/layers/vocab_parallel_embedding.py``, ``pad_vocab_size`` (multiples of
    64 rows); checked: 2026-11-30, read.
    Leaves out: rows of adapters (LoRA).
    """
    if weight.component == ROUTED and rules.redundant_experts:
        return weight_share(replace(weight, copies=weight.copies + rules.redundant_experts), layout)
    vocab = _vocabulary_of(model, weight)
    if not vocab:
        tower = weight.component == "vision" and weight.kind == "matrix"
        if tower and rules.whole_towers:
            return weight.params
        return weight.params / layout.tensor if tower and rules.cut_towers else weight_share(weight, layout)
    cut = 1 if rules.whole_ends and layout.data > 1 else layout.tensor
    return weight.params / vocab * padded_rows(vocab, cut, rules.vocab_multiple) / cut


def _vocabulary_of(model: Model, weight: Weight) -> int:
    """Vocabulary rows of an embedding or head; 0 for other tensors and for position tables."""
    if weight.component not in ENDS or weight.kind == "vector":
        return 0
    rows = weight.rows if weight.kind == "table" else weight.cols
    return rows if rows >= model.vocab // 2 else 0


def rotary_table_bytes(model: Model) -> float:
    """Sines and cosines for every position of the model's context, in 16 bits, once for each head width [bytes].

    ``context x rotated width x 2``; with a latent cache the rotated width is what keys carry beside it.
    Source: vLLM 0.33.0 ``vllm/model_executor/layers/rotary_embedding/base.py``, ``_compute_cos_sin_cache``; checked:
    2026-11-30, read.
    Leaves out: models that rotate a part of each head keep less, those with several rotary bases of one width more.
    """
    widths = {_rotated_width(score) for group in model.groups for score in group.parts.scores}
    return float((model.context_length_tokens or 0) * sum(widths) * TABLE_BYTES)


def _rotated_width(score: Scores) -> int:
    if score.name != "scores":
        return 0
    if score.absorbed_qk_dim is None:
        return score.qk_dim
    return score.absorbed_qk_dim - (score.absorbed_v_dim or 0)


def padded_rows(vocab: int, ways: int, multiple: int) -> int:
    """Vocabulary rows after padding to ``multiple`` and to what ``ways`` GPUs divide [rows].

    ``ceil(ceil(vocabulary / multiple) x multiple / ways) x ways``.
    Source: vLLM 0.33.0 ``vllm/model_executor/layers/vocab_parallel_embedding.py``, ``pad_vocab_size``; checked:
    2026-11-30, read. Exact without adapters.
    """
    return _up_to(_up_to(vocab, multiple), ways)


def _expert_padding(
    model: Model, weight: Weight, layout: Layout, number_format: NumberFormat, rules: WeightRules
) -> float:
    """Stored elements of an expert matrix over those that the model has."""
    padding = next((one for one in rules.paddings if one.format == number_format.name), None)
    if weight.component != ROUTED or padding is None:
        return 1.0
    up = weight.rows == model.hidden
    hidden, wide = (weight.rows, weight.cols) if up else (weight.cols, weight.rows)
    piece = int(ceil_div(wide, layout.expert_cut))
    multiple = padding.gated if _has_gated_experts(model) else padding.plain
    return _up_to(hidden, padding.hidden) * _up_to(piece, multiple) / (hidden * piece)


def _up_to(width: int, multiple: int) -> int:
    return int(ceil_div(width, multiple)) * multiple


def _has_gated_experts(model: Model) -> bool:
    return any(p.weight.component == ROUTED and p.weight.name == "gate_proj" for p in model.placed)
