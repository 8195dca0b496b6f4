"""The caches of one pipeline stage as an engine sees them: kind, layers, bytes a token on the fullest GPU."""

from dataclasses import dataclass
from functools import lru_cache

from llm_calc.core.arrays import Quantity, smaller
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.parallelism import Layout, cache_share, stage_bounds
from llm_calc.core.weights import Cache

INDEX_SCORES = "indexer_scores"
FULL_KINDS = ("full", "latent", "compressed")
WINDOW_KINDS = ("sliding", "chunked")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCache:
    """One kind of cache in ``layers`` layers of the stage; bytes are those of one layer on one GPU."""

    kind: str
    layers: int
    bytes_per_token: float = 0.0
    state_bytes: float = 0.0
    window_tokens: int | None = None

    @property
    def grows(self) -> bool:
        """Whether it takes more with every token, at least below its window."""
        return self.bytes_per_token > 0


@lru_cache(maxsize=2048)
def stage_caches(
    model: Model,
    layout: Layout,
    stage: int,
    element_bytes: float,
    state_bytes: float,
    index_bytes: float | None = None,
) -> tuple[LayerCache, ...]:
    """Caches of one stage, equal ones counted together; a cache that grows and holds a state is given as two.

    ``state_bytes``: width of a recurrent state that no layer prescribes. ``index_bytes``: bytes a token and
    layer of a sparse indexer's keys, where the engine stores them in a format of their own.
    """
    bounds = stage_bounds(model.num_layers, layout.pipeline)[stage]
    counts: dict[LayerCache, int] = {}
    for group in model.groups:
        layers = sum(index in bounds for index in group.indices)
        for cache in group.parts.caches if layers else ():
            index = index_bytes if _holds_index_keys(group, cache) else None
            for one in _split(cache, layout.tensor, element_bytes, state_bytes, index):
                counts[one] = counts.get(one, 0) + layers
    return tuple(
        LayerCache(
            kind=one.kind,
            layers=layers,
            bytes_per_token=one.bytes_per_token,
            state_bytes=one.state_bytes,
            window_tokens=one.window_tokens,
        )
        for one, layers in counts.items()
    )


def needed_bytes(caches: tuple[LayerCache, ...], context_tokens: Quantity) -> Quantity:
    """Bytes that one sequence really needs on one GPU: windows cut off, nothing rounded.

    ``sum of layers x (min(context, window) x bytes a token + state)``.
    """
    total: Quantity = 0
    for cache in caches:
        kept = context_tokens if cache.window_tokens is None else smaller(context_tokens, cache.window_tokens)
        total = total + cache.layers * (kept * cache.bytes_per_token + cache.state_bytes)
    return total


def _holds_index_keys(group: LayerGroup, cache: Cache) -> bool:
    indexers = (score for score in group.parts.scores if score.name == INDEX_SCORES)
    return any(score.qk_dim == cache.elements_per_token for score in indexers)


def _split(
    cache: Cache, tensor: int, element_bytes: float, state_bytes: float, index_bytes: float | None
) -> list[LayerCache]:
    share = float(cache_share(cache, tensor))
    parts = []
    if cache.elements_per_token:
        each = share * cache.elements_per_token * element_bytes if index_bytes is None else index_bytes
        kind, window = cache.kind, cache.window
        parts.append(LayerCache(kind=kind, layers=1, bytes_per_token=each, window_tokens=window))
    if cache.state_elements:
        width = cache.state_bits / 8 if cache.state_bits else state_bytes
        elements = cache.state_elements - cache.spare_state_elements
        parts.append(LayerCache(kind="state", layers=1, state_bytes=share * elements * width))
    return parts
