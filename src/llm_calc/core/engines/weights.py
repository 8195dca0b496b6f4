"""Weight bytes on one device as engines load them: padding, ends of the stack, repacked formats."""

from dataclasses import dataclass
from functools import lru_cache

from llm_calc.core.arrays import ceil_div
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.memory import weight_bytes
from llm_calc.core.model import Model, Placed
from llm_calc.core.parallelism import ENDS, ROUTED, Layout, stage_bounds, stage_placed, weight_share
from llm_calc.core.weights import Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRules:
    """How an engine departs from the stored file.

    ``vocab_multiple``: embedding and head are padded to a multiple of so many rows before they are cut.
    ``whole_ends``: with data-parallel attention every GPU keeps embedding and head whole.
    ``mxfp4_multiples``: expert matrices of this format are padded to multiples of (hidden, intermediate).
    """

    vocab_multiple: int = 1
    whole_ends: bool = False
    mxfp4_multiples: tuple[int, int] = (1, 1)


@lru_cache(maxsize=4096)
def device_weights_bytes(
    model: Model, recipe: WeightRecipe, layout: Layout, stage: int, rules: WeightRules
) -> float:
    """Weight bytes on the fullest GPU of a pipeline stage, as the engine holds them.

    ``sum over tensors of stored sets x share x padding x bytes of the tensor's format``.
    """
    bounds = stage_bounds(model.num_layers, layout.pipeline)[stage]
    total = 0.0
    for placed, stored in stage_placed(model, bounds):
        if stored and placed.weight.params:
            total += _bytes(model, recipe, layout, placed, bounds, rules) * stored
    return total


def _bytes(
    model: Model, recipe: WeightRecipe, layout: Layout, placed: Placed, bounds: range, rules: WeightRules
) -> float:
    """Bytes of one stored set, the mean over the layers of the stage."""
    weight = placed.weight
    elements = device_elements(model, weight, layout, rules)
    layers = [index for index in placed.indices if index in bounds] or [0]
    formats: dict[NumberFormat, int] = {}
    for layer in layers:
        number_format = recipe.format_of(weight, layer)
        formats[number_format] = formats.get(number_format, 0) + 1
    total = 0.0
    for number_format, count in formats.items():
        padding = _expert_padding(model, weight, number_format, rules)
        total += count * padding * weight_bytes(weight, elements, number_format, recipe.vectors)
    return total / len(layers)


def device_elements(model: Model, weight: Weight, layout: Layout, rules: WeightRules) -> float:
    """Elements of one tensor on the fullest GPU; embedding and head are cut by padded vocabulary rows."""
    vocab = _vocabulary_of(model, weight)
    if not vocab:
        return weight_share(weight, layout)
    cut = 1 if rules.whole_ends and layout.data > 1 else layout.tensor
    return weight.params / vocab * padded_rows(vocab, cut, rules.vocab_multiple) / cut


def _vocabulary_of(model: Model, weight: Weight) -> int:
    """Vocabulary rows of an embedding or head; 0 for other tensors and for position tables."""
    if weight.component not in ENDS or weight.kind == "vector":
        return 0
    rows = weight.rows if weight.kind == "table" else weight.cols
    return rows if rows >= model.vocab // 2 else 0


def padded_rows(vocab: int, ways: int, multiple: int) -> int:
    """Vocabulary rows after padding to ``multiple`` and to what ``ways`` GPUs divide."""
    rows = int(ceil_div(vocab, multiple)) * multiple
    return int(ceil_div(rows, ways)) * ways


def _expert_padding(model: Model, weight: Weight, number_format: NumberFormat, rules: WeightRules) -> float:
    if weight.component != ROUTED or number_format.name != "mxfp4":
        return 1.0
    hidden_multiple, wide_multiple = rules.mxfp4_multiples
    hidden, wide = (weight.rows, weight.cols) if weight.rows == model.hidden else (weight.cols, weight.rows)
    padded = (
        int(ceil_div(hidden, hidden_multiple))
        * hidden_multiple
        * int(ceil_div(wide, wide_multiple))
        * wide_multiple
    )
    return padded / (hidden * wide)
