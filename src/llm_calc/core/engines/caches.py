"""The caches of one pipeline stage as an engine sees them: kind, layers, bytes a token on the fullest GPU."""

from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.core.arrays import Quantity, smaller
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.parallelism import Layout, cache_share
from llm_calc.core.weights import Cache

INDEX_SCORES = "indexer_scores"
SCALE_BYTES, SCALED_TOGETHER = 4, 128


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
    open_state_bytes: float | None = None,
    recurrence_bytes: float | None = None,
) -> tuple[LayerCache, ...]:
    """Caches of one stage, equal ones counted together; one that grows and holds a state is given as two [bytes].

    ``elements a token x bytes x share``; ``(state elements - spare elements) x bytes x share`` for a state.
    ``state_bytes``: width of a recurrent state that no layer prescribes; ``open_state_bytes``: of one whose width no
    file states, if the engine has a width of its own for it; ``recurrence_bytes``: of all but convolutions' states.
    Definition: the blocks' caches on the fullest GPU; those of a sparse indexer as in :func:`index_key_bytes`.
    """
    bounds = layout.bounds(model.num_layers, model.draft_layers)[stage]
    counts: dict[LayerCache, int] = {}
    states = (state_bytes, open_state_bytes, recurrence_bytes)
    for layer, one in caches_by_layer(model, layout.tensor, element_bytes, *states):
        if layer in bounds:
            counts[one] = counts.get(one, 0) + 1
    return tuple(replace(one, layers=layers) for one, layers in counts.items())


@lru_cache(maxsize=512)
def caches_by_layer(
    model: Model,
    tensor: int,
    element_bytes: float,
    state_bytes: float,
    open_state_bytes: float | None = None,
    recurrence_bytes: float | None = None,
) -> tuple[tuple[int, LayerCache], ...]:
    """Every cache with the layer that keeps it, as the fullest GPU holds it, group by group of equal layers [bytes].

    Definition: as :func:`stage_caches`.
    """
    found = []
    for group in model.groups:
        for cache in group.parts.caches:
            each = index_key_bytes(group, cache) or cache.elements_per_token * element_bytes
            width = _state_width(cache, state_bytes, open_state_bytes, recurrence_bytes)
            for one in _split(cache, tensor, each, width):
                found += [(layer, one) for layer in group.indices]
    return tuple(found)


def needed_bytes(caches: tuple[LayerCache, ...], context_tokens: Quantity) -> Quantity:
    """Bytes that one sequence really needs on one GPU: windows cut off, nothing rounded [bytes].

    ``sum of layers x (min(context, window) x bytes a token + state)``.
    Definition: what ``kv_cache.needed`` answers, beside what an engine allocates.
    """
    total: Quantity = 0
    for cache in caches:
        kept = context_tokens if cache.window_tokens is None else smaller(context_tokens, cache.window_tokens)
        total = total + cache.layers * (kept * cache.bytes_per_token + cache.state_bytes)
    return total


def index_key_bytes(group: LayerGroup, cache: Cache) -> float:
    """Bytes a token of a sparse indexer's keys; 0 for caches that are none [bytes].

    ``(width + 4 x floor(width / 128)) / tokens an entry``: fp8 with a float32 scale for every 128 numbers.
    Source: vLLM 0.33.0 ``vllm/model_executor/models/deepseek_v2.py``, ``DeepseekV32IndexerCache`` and what it is
    given as ``head_dim``; checked: 2026-11-30, read. Exact, whatever the format of the cache.
    """
    width = cache.elements_per_token * cache.tokens_per_entry
    widths = [score.qk_dim for score in group.parts.scores if score.name == INDEX_SCORES]
    if cache.kind not in ("latent", "compressed") or width not in widths:
        return 0.0
    return (width + SCALE_BYTES * (width // SCALED_TOGETHER)) / cache.tokens_per_entry


def _split(cache: Cache, tensor: int, bytes_per_token: float, state_width: float) -> list[LayerCache]:
    share = float(cache_share(cache, tensor))
    parts = []
    if cache.elements_per_token:
        each, window = share * bytes_per_token, cache.window
        parts.append(LayerCache(kind=cache.kind, layers=1, bytes_per_token=each, window_tokens=window))
    if cache.state_elements:
        elements = cache.state_elements - cache.spare_state_elements
        parts.append(LayerCache(kind="state", layers=1, state_bytes=share * elements * state_width))
    return parts


def _state_width(cache: Cache, usual: float, free: float | None, forced: float | None) -> float:
    if forced is not None and not cache.spare_state_elements:
        return forced
    if cache.state_open and free is not None:
        return free
    return cache.state_bits / 8 if cache.state_bits else usual
