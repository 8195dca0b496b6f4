"""Operators of one engine step, from a model, its number formats and its layout over GPUs."""

from dataclasses import replace
from functools import lru_cache

from llm_calc.core.formats import WeightRecipe
from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import Model
from llm_calc.core.operators.collectives import collective_works, layer_counts
from llm_calc.core.operators.context import context_works, state_bytes
from llm_calc.core.operators.linear import grouped, linear_works
from llm_calc.core.operators.work import (
    GROUPS,
    CollectiveWork,
    ContextWork,
    LayerCounts,
    LinearWork,
    StepWork,
)
from llm_calc.core.parallelism import Layout

__all__ = [
    "GROUPS",
    "CollectiveWork",
    "ContextWork",
    "LayerCounts",
    "LinearWork",
    "StepWork",
    "step_work",
    "summed",
]


@lru_cache(maxsize=1024)
def step_work(model: Model, recipe: WeightRecipe, layout: Layout, cache_format: CacheFormat) -> StepWork:
    """Every operator of one step on the GPU with the largest share, matrix by matrix [bytes, FLOP].

    ``matrices + attention over caches + collectives + counts of layers``, all stages together; ``sequence_share = 1 /
    data``.
    Definition: the sums of :func:`.linear.linear_works`, :func:`.context.context_works` and
    :func:`.collectives.collective_works`. Sequential scans of recurrent layers (their state's bytes count) and
    hand-overs between stages are left out.
    """
    counts = layer_counts(model)
    return StepWork(
        linear=_stage_matrices(model, recipe, replace(layout, pipeline=1, stage_layers=())),
        context=context_works(model, cache_format, layout),
        collectives=collective_works(model, counts, layout),
        counts=counts,
        state_bytes=state_bytes(model, cache_format, layout),
        sequence_share=1.0 / layout.data,
        stages=layout.pipeline,
    )


@lru_cache(maxsize=1024)
def _stage_matrices(model: Model, recipe: WeightRecipe, layout: Layout) -> tuple[LinearWork, ...]:
    """Matrices on the fullest GPU of all stages together, which are the same for any number of stages."""
    return linear_works(model, recipe, layout)


@lru_cache(maxsize=1024)
def summed(work: StepWork) -> StepWork:
    """The same step with matrices summed by group: what the time of a whole step needs [bytes, FLOP].

    Definition: see :func:`.linear.grouped`.
    """
    return replace(work, linear=grouped(work.linear))
