"""Which families of mlx-lm make their own caches, and which of them cut the cache by a window.

Source: mlx-lm 0.32.2 ``mlx_lm/models/*.py``, ``make_cache``; checked: 2026-11-30, read. A family that has none gets a
cache of the whole context for every layer, whatever window its configuration names.
"""

from dataclasses import replace

from llm_calc.core.engines.caches import LayerCache
from llm_calc.core.model import Model

WITH_WINDOWS = frozenset(
    (
        "afmoe", "baichuan_m1", "cohere2", "exaone4", "exaone_moe", "gemma3", "gemma3_text", "gemma3n",
        "gemma3n_text", "gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text", "gpt_oss", "iquestcoder",
        "laguna", "llama4", "llama4_text", "mellum", "mimo_v2_flash", "ministral3",
        "muse_glimmer", "muse_glimmer_text", "muse_spark", "olmo3", "plamo2", "plamo3", "recurrent_gemma", "step3p5",
    )
)  # fmt: skip
"""Families whose sliding layers keep their window alone. Llama and Mistral do so only where ``layer_types`` names such
layers, which their published files do not."""
OWN_CACHES = WITH_WINDOWS | frozenset(
    (
        "afm7", "bailing_hybrid", "bailing_moe_linear", "deepseek_v32", "falcon_h1", "falcon_mamba", "glm_moe_dsa",
        "granitemoehybrid", "jamba", "kimi_k3", "kimi_linear", "lfm2", "lfm2_moe", "longcat_flash", "mamba", "mamba2",
        "llama", "minimax_m3_vl", "mistral", "nanbeige", "nemotron-nas", "nemotron_h", "olmo_hybrid", "qwen3_5",
        "qwen3_5_moe", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next", "rwkv7", "xverse",
    )
)  # fmt: skip
"""Families that ``max_kv_size`` does not reach."""


def makes_own_caches(model: Model) -> bool:
    """Whether mlx-lm leaves the choice of caches to the model's class."""
    return model.model_type in OWN_CACHES


def cuts_windows(model: Model, cache: LayerCache) -> LayerCache:
    """The cache as mlx-lm keeps it: without its window in families that keep every token [bytes, tokens].

    Definition: see ``WITH_WINDOWS``.
    """
    kept = cache.window_tokens is None or model.model_type in WITH_WINDOWS
    return cache if kept else replace(cache, window_tokens=None)
