"""How many tokens of cache vLLM's kernels take at once, by model and card."""

from functools import lru_cache

from llm_calc.core.engines.caches import INDEX_SCORES
from llm_calc.core.model import LayerGroup, Model

KERNEL_BLOCK_TOKENS, BLACKWELL_LATENT_TOKENS, SMALL_LATENT_TOKENS, INDEX_TOKENS = 16, 32, 64, 64
WIDE_HEAD, WIDE_SMALL_TOKENS = 512, 64
PLAIN_INDEX = frozenset({"minimax_m3", "minimax_m3_vl", "minimax_m3_vl_text"})
"""Models whose indexer serves plain attention; its keys stay in 16 bits."""
PLAIN_INDEX_TOKENS = 128


def kernel_tokens(model: Model, generation: int, element_bytes: float, *, latent: bool) -> int:
    """Tokens of a block that the kernels of the card ask for where ``block_size`` is not set [tokens].

    ``16``; latent attention ``64`` in 8 bits or with an indexer, else ``32`` on data-centre Blackwell; heads of 512
    with a cache in 8 bits ``64`` on Hopper; MiniMax-M3 ``128``, a block of its sparse attention.
    Source: vLLM 0.33.0 ``vllm/v1/attention/backends``, ``get_supported_kernel_block_sizes``; checked: 2026-11-30, read.
    Leaves out: kernels of other vendors' cards, and those that a flag chooses.
    """
    if model.model_type in PLAIN_INDEX:
        return PLAIN_INDEX_TOKENS
    if not latent:
        wide = element_bytes == 1 and generation == 9 and _widest_head(model) == WIDE_HEAD
        return WIDE_SMALL_TOKENS if wide else KERNEL_BLOCK_TOKENS
    if is_sparse(model):
        return INDEX_TOKENS
    if element_bytes < 2:
        return SMALL_LATENT_TOKENS
    return BLACKWELL_LATENT_TOKENS if generation == 10 else KERNEL_BLOCK_TOKENS


@lru_cache(maxsize=256)
def is_sparse(model: Model) -> bool:
    """Whether latent attention reads tokens that an indexer chooses [-].

    Definition: layers with the scores of an indexer; not MiniMax-M3, whose attention is none of latents.
    """
    return any(_has_index(group) for group in model.groups) and model.model_type not in PLAIN_INDEX


@lru_cache(maxsize=256)
def _widest_head(model: Model) -> float:
    return max((score.qk_dim for group in model.groups for score in group.parts.scores), default=0)


def _has_index(group: LayerGroup) -> bool:
    return any(score.name == INDEX_SCORES for score in group.parts.scores)
