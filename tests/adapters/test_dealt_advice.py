"""Advice on a cache that is dealt over more GPUs than hold copies of each KV head."""

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs


def test_the_size_that_starts_is_offered() -> None:
    """Llama 3.1 70B has 8 KV heads: on 8 GPUs each is held once, so that none can be dealt further."""
    request = {
        "model": "llama-3.1-70b",
        "precision": "fp8",
        "hardware": "8x h100-80gb-sxm",
        "engine": {"name": "vllm", "decode_context_parallel_size": 2},
    }
    found = operations.MEMORY_PLAN.answered(request, load_catalogs())
    assert not found.starts
    first = found.changes_that_fit[0]
    assert (first.field, first.value) == ("engine.decode_context_parallel_size", 1)


def test_a_size_that_starts_is_left_alone() -> None:
    """DeepSeek's one latent head is held by all 8."""
    request = {
        "model": "deepseek-v3",
        "hardware": "8x h200-141gb-sxm",
        "engine": {"name": "vllm", "decode_context_parallel_size": 8},
    }
    found = operations.MEMORY_PLAN.answered(request, load_catalogs())
    assert all(change.field != "engine.decode_context_parallel_size" for change in found.changes_that_fit)
