"""What vLLM stores of a token in one layer where that is not what the model's file says: rows of single kernels.

Read from vLLM 0.33.0 (``vllm/v1/attention/backends/mla``, ``vllm/models/minimax_m3``,
``vllm/model_executor/models/minicpm3.py``).
"""

from functools import lru_cache

from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines.caches import LayerCache
from llm_calc.core.engines.vllm_kernels import PLAIN_INDEX, is_sparse
from llm_calc.core.model import Model

SPARSE_ROW_BYTES = 656.0
"""A token of sparse latent attention in 8 bits: 512 fp8 numbers, 16 bytes of scales, 64 rotary numbers in 16 bits."""
PLAIN_GENERATIONS = (0, 10)
"""Cards whose kernels take plain rows: those of other vendors than NVIDIA, and data-centre Blackwell."""
WHOLE_HEADS = frozenset({"minicpm3"})
"""Latent models whose keys and values vLLM writes out."""
PLAIN_BYTES = 2


def stored_row(
    model: Model, cache: LayerCache, tensor: int, element_bytes: float, generation: int, *, sparse_rows: bool
) -> LayerCache:
    """A layer's cache with the bytes a token that vLLM's kernels store [bytes].

    Sparse latent rows in 8 bits take 656 (kernels of data-centre Blackwell and of AMD take plain ones); MiniMax-M3's
    index keys 16 bits a number; MiniCPM3, whose latents vLLM decompresses, ``2 x heads / tensor x key width x bytes``:
    values are as wide as keys.
    Source: vLLM 0.33.0, ``MiniCPM3Attention``, ``MiniMaxM3IndexerCache``, ``flashmla_sparse.py`` and
    ``rocm_aiter_mla_sparse.py``; checked: 2026-11-30, read and (NVIDIA's) asked of the release's own classes.
    Leaves out: index keys in other formats, which ``attention_config`` may ask for.
    """
    if cache.kind != "latent":
        return cache
    if model.model_type in WHOLE_HEADS:
        heads, width = _heads(model)
        each = 2 * float(ceil_div(heads, tensor)) * width * element_bytes
        return LayerCache(kind="full", layers=1, bytes_per_token=each)
    if model.model_type in PLAIN_INDEX:
        return LayerCache(kind=cache.kind, layers=1, bytes_per_token=PLAIN_BYTES * _index_width(model))
    if not (sparse_rows and element_bytes == 1 and is_sparse(model)):
        return cache
    is_index = cache.bytes_per_token < SPARSE_ROW_BYTES / 2
    if is_index or generation in PLAIN_GENERATIONS:
        return cache
    return LayerCache(kind=cache.kind, layers=1, bytes_per_token=SPARSE_ROW_BYTES)


@lru_cache(maxsize=64)
def _heads(model: Model) -> tuple[int, int]:
    score = model.groups[0].parts.scores[0]
    return score.heads, score.qk_dim


@lru_cache(maxsize=64)
def _index_width(model: Model) -> int:
    widths = (
        c.elements_per_token for group in model.groups for c in group.parts.caches if c.kind == "latent"
    )
    return max(widths, default=0)
