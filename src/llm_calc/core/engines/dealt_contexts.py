"""Caches whose tokens are dealt over the GPUs of a tensor-parallel group: what they can be dealt over.

Read from vLLM 0.33.0 ``vllm/config/`` and SGLang 0.5.23 ``srt/arg_groups/attention_hook.py``: every GPU of such a group
has to hold the same KV heads.
"""

from collections.abc import Iterator

from llm_calc.core.engines.positions import beyond_positions
from llm_calc.core.engines.setup import Setup
from llm_calc.core.engines.sglang_rules import COMPRESSED, is_compressed, is_sparse, kernels_refusals
from llm_calc.core.engines.splits import split_refusals


def sglang_refusals(
    setup: Setup, contexts: int, context_tokens: int, kernels: str | None = None
) -> tuple[str, ...]:
    """What SGLang's layers cannot be cut by, contexts not dealt over so many GPUs, too long ones, strange kernels."""
    uncut = split_refusals(setup.model, setup.numbers.recipe, setup.layout)
    longer = beyond_positions(setup.model, context_tokens, "context_length")
    return *kernels_refusals(setup, kernels), *_later(setup), *uncut, *longer, *sglang_dealt(setup, contexts)


def _later(setup: Setup) -> Iterator[str]:
    """What SGLang does not serve DeepSeek V4.1 with.

    Read in SGLang 0.5.23 ``srt/arg_groups/deepseek_v4_hook.py``; checked: 2026-12-01.
    """
    if not is_compressed(setup.model) or setup.model.model_type == COMPRESSED:
        return
    if setup.layout.pipeline > 1:
        yield "parallelism.pipeline: SGLang serves DeepSeek-V4.1 without pipeline stages; use 1"
    if setup.drafted_tokens:
        yield "speculative.method: SGLang serves DeepSeek-V4.1 with DSpark's drafts alone, which are not modelled"


def vllm_dealt(setup: Setup, contexts: int) -> tuple[str, ...]:
    """Why vLLM does not deal contexts over so many GPUs."""
    return tuple(dealt_refusals(setup, contexts, "decode_context_parallel_size"))


def sglang_dealt(setup: Setup, contexts: int) -> tuple[str, ...]:
    """Why SGLang does not deal contexts over so many GPUs, or it is not modelled."""
    unknown = is_sparse(setup.model) or is_compressed(setup.model)
    words = "engine.dcp_size: pools of sparse and compressed caches that are dealt are not modelled; use 1"
    more = (words,) if unknown and contexts > 1 else ()
    return *more, *dealt_refusals(setup, contexts, "dcp_size")


def dealt_refusals(setup: Setup, contexts: int, option: str) -> Iterator[str]:
    """Why contexts are not dealt over so many GPUs; nothing where they are."""
    if contexts == 1:
        return
    if setup.layout.tensor % contexts:
        yield f"engine.{option}: {contexts} must divide parallelism.tensor, {setup.layout.tensor}"
    caches = [cache for group in setup.model.groups for cache in group.parts.caches]
    if any(cache.window or cache.state_elements for cache in caches):
        yield f"engine.{option}: windows and recurrent states cannot be dealt over GPUs; use 1"
    replicas = max((setup.layout.tensor // cache.units for cache in caches), default=1)
    copies = max(1, replicas)
    if contexts > copies:
        yield (
            f"engine.{option}: {contexts} is more than the {copies} {'copy' if copies == 1 else 'copies'} of each KV "
            "head that the tensor-parallel GPUs hold"
        )
