"""Bytes that one decode step moves between memory and cores, on the fullest GPU of each stage."""

from functools import lru_cache

from llm_calc.core import memory
from llm_calc.core.arrays import Quantity, ceil_div
from llm_calc.core.footprint import Numbers, Split
from llm_calc.core.formats import WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.parallelism import ROUTED, Layout, weight_share
from llm_calc.core.stages import unlike_stages


def touched_fraction(experts: int, top_k: float, tokens: Quantity) -> Quantity:
    """Share of the experts that at least one of ``tokens`` tokens visits [1].

    ``1 - (1 - k / E)^tokens``.
    Choice: a token leaves an expert out with chance ``1 - k / E``, and tokens are taken as independent; one token
    touches exactly k / E.
    Leaves out: correlated routing, which touches fewer.
    """
    return 1 - (1 - top_k / experts) ** tokens


def decode_weight_bytes(model: Model, numbers: Numbers, split: Split, batch: Quantity) -> Quantity:
    """Weight bytes read in one decode step, summed over the stages that run one after another [bytes].

    ``sum over dense tensors of bytes + sum over expert tensors of bytes x touched_fraction(batch)``; a tied head is
    read in full although memory holds it once, as the embedding.
    Choice: every weight that a step needs is read once, the least that memory has to move.
    Leaves out: embedding rows (a few kilobytes a token) and caches of the chip that keep weights from step to step.
    """
    total: Quantity = 0.0
    for experts, top_k, size in _reads(model, numbers.recipe, split.layout):
        total = total + (size * touched_fraction(experts, top_k, batch) if experts else size)
    return total


@lru_cache(maxsize=512)
def _reads(model: Model, recipe: WeightRecipe, layout: Layout) -> tuple[tuple[int, float, float], ...]:
    """(experts, k, bytes) of the routed experts by their routing; (0, 0, bytes) of all that every step reads."""
    sizes: dict[tuple[int, float], float] = {(0, 0): _tied_head_bytes(model, recipe, layout)}
    for stage in range(layout.pipeline):
        for weight, size in memory.stage_shares(model, recipe, layout, stage):
            if weight.kind == "table" or not weight.used:
                continue
            routing = (weight.copies, weight.used) if weight.component == ROUTED else (0, 0)
            sizes[routing] = sizes.get(routing, 0.0) + size
    return tuple((experts, top_k, size) for (experts, top_k), size in sizes.items())


def _tied_head_bytes(model: Model, recipe: WeightRecipe, layout: Layout) -> float:
    """The head, where it is stored as the embedding only (a last stage that is not the first stores its own)."""
    if not model.head_tied or layout.pipeline > 1:
        return 0.0
    share = weight_share(model.head, layout)
    return memory.weight_bytes(model.head, share, recipe.format_of(model.head), recipe.vectors)


def decode_cache_bytes(
    model: Model, numbers: Numbers, split: Split, batch: Quantity, context_tokens: Quantity
) -> Quantity:
    """Cache bytes read in one decode step of ``batch`` sequences, summed over the stages [bytes].

    ``sum over stages of stage_kv_cache_bytes(ceil(context / sequence))``.
    Choice: the whole cache is read once a step, the least that memory has to move.
    Leaves out: the write of the new token's keys and values; selections that read less than a window.
    """
    tokens = ceil_div(context_tokens, split.sequence)
    total: Quantity = 0.0
    layout = split.layout
    for stage, count in unlike_stages(model, layout):
        total = total + count * memory.stage_kv_cache_bytes(
            model, layout, stage, tokens, batch, numbers.cache_format
        )
    return total
