"""Splits that an engine's layers cannot be cut by: KV heads, vocabulary, and blocks of scales.

Read from vLLM 0.33.0 (``vllm/model_executor/layers/vocab_parallel_embedding.py``,
``vllm/model_executor/layers/quantization/fp8.py`` and ``utils/fp8_utils.py``); SGLang takes its layers from there.
TensorRT-LLM has the rule of KV heads (``duplicate_kv_weight`` of ``_torch/models/modeling_utils.py``, read in
stored versions of 2025 and 2026, which agree).
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from llm_calc.core.arrays import ceil_div
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.formats import WeightRecipe
from llm_calc.core.model import Model, Placed
from llm_calc.core.parallelism import ROUTED, Layout, check_layout, largest_piece

FP8_BLOCK, USUAL_BLOCK = "fp8-block", (128, 128)
VOCABULARY_MULTIPLE = 64
MOST_TENSOR = 16


@lru_cache(maxsize=2048)
def split_refusals(model: Model, recipe: WeightRecipe, layout: Layout) -> tuple[str, ...]:
    """Parts that the layout cannot cut, with the layouts that can."""
    found = tuple(_uncut(model, recipe, layout))
    if not found:
        return ()
    working = _working(model, recipe, layout)
    return (*found[:-1], f"{found[-1]}; what works: {', '.join(working)}") if working else found


def head_refusals(model: Model, layout: Layout) -> tuple[str, ...]:
    """KV heads that the layout cannot cut, with the tensor widths that can."""
    found = tuple(_uncut_heads(model, layout.tensor))
    if not found:
        return ()
    widths = [size for size in range(1, MOST_TENSOR + 1) if _cuts_heads(model, size)]
    return (*found[:-1], f"{found[-1]}; what works: tensor {', '.join(map(str, widths))}")


def _cuts_heads(model: Model, tensor: int) -> bool:
    whole = all(heads % tensor == 0 for heads in model.attention_units)
    return whole and not any(_uncut_heads(model, tensor))


def _working(model: Model, recipe: WeightRecipe, layout: Layout) -> list[str]:
    """Other tensor widths, and whole experts over the same GPUs."""
    widths = range(1, MOST_TENSOR + 1)
    found = [f"tensor {tensor}" for tensor in widths if _cuts(model, recipe, Layout(tensor=tensor))]
    if model.num_experts and layout.stage_gpus > 1:
        whole = replace(layout, expert=layout.stage_gpus)
        if _cuts(model, recipe, whole):
            found.append(f"tensor {layout.tensor} with expert {layout.stage_gpus} (enable_expert_parallel)")
    return found


def _cuts(model: Model, recipe: WeightRecipe, layout: Layout) -> bool:
    try:
        check_layout(model, layout)
    except UnsupportedError:
        return False
    return not any(_uncut(model, recipe, layout))


def _uncut(model: Model, recipe: WeightRecipe, layout: Layout) -> Iterator[str]:
    tensor = layout.tensor
    yield from _uncut_heads(model, tensor)
    rows = VOCABULARY_MULTIPLE * int(ceil_div(model.vocab, VOCABULARY_MULTIPLE))
    if rows % tensor:
        yield f"parallelism.tensor: {tensor} does not divide the {rows} rows of the padded vocabulary"
    yield from _uncut_blocks(model, recipe, layout)


def _uncut_heads(model: Model, tensor: int) -> Iterator[str]:
    heads = {
        cache.units for group in model.groups for cache in group.parts.caches if cache.elements_per_token
    }
    for units in sorted(heads):
        if units > 1 and units % tensor and tensor % units:
            yield f"parallelism.tensor: {tensor} neither divides {units} KV heads nor is a multiple of them"


def _uncut_blocks(model: Model, recipe: WeightRecipe, layout: Layout) -> Iterator[str]:
    """Matrices in blocks whose cut side is no whole number of blocks on each GPU."""
    seen = set()
    for placed in model.placed:
        weight, layer = placed.weight, (placed.indices or (0,))[0]
        number = recipe.chosen(weight, layer)
        if weight.kind != "matrix" or number.name != FP8_BLOCK:
            continue
        ways, side = _cut(model, placed, layout)
        width = (number.block or USUAL_BLOCK)[weight.cols == model.hidden]
        piece = side * largest_piece(weight.units, ways) / weight.units
        if ways > 1 and piece != side and piece % width and (side, piece) not in seen:
            seen.add((side, piece))
            yield (
                f"parallelism.tensor: {weight.name} of {side} columns gives {piece:g} on each of {ways} GPUs, which is "
                f"no whole number of the checkpoint's fp8 blocks of {width}"
            )


def _cut(model: Model, placed: Placed, layout: Layout) -> tuple[int, int]:
    """Into how many pieces a matrix is cut, and how long the side that is cut is."""
    weight = placed.weight
    ways = layout.expert_cut if weight.component == ROUTED else layout.tensor
    return ways if weight.units > 1 else 1, weight.rows if weight.cols == model.hidden else weight.cols
