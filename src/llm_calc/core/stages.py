"""Pipeline stages by the caches that they hold."""

from functools import lru_cache

from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout, cache_share, indices_inside
from llm_calc.core.weights import Cache


@lru_cache(maxsize=2048)
def stage_caches(model: Model, layout: Layout, stage: int) -> tuple[tuple[Cache, float], ...]:
    """Every kind of cache in a stage with the layers that keep one, times the share of the fullest GPU [layers].

    ``layers in the stage x cache_share``.
    Definition: see :func:`.parallelism.cache_share`.
    """
    bounds = layout.bounds(model.num_layers, model.draft_layers)[stage]
    counts: dict[Cache, float] = {}
    for group in model.groups:
        layers = len(indices_inside(group.indices, bounds))
        for cache in group.parts.caches if layers else ():
            counts[cache] = counts.get(cache, 0) + layers * float(cache_share(cache, layout.tensor))
    return tuple(counts.items())


@lru_cache(maxsize=1024)
def unlike_stages(model: Model, layout: Layout) -> tuple[tuple[int, int], ...]:
    """The first of each kind of stage by its caches, and how many there are of the kind [layers].

    Definition: stages with equal :func:`stage_caches` hold as much.
    """
    counts: dict[tuple[tuple[Cache, float], ...], list[int]] = {}
    for stage in range(layout.pipeline):
        counts.setdefault(stage_caches(model, layout, stage), [stage, 0])[1] += 1
    return tuple((first, count) for first, count in counts.values())
