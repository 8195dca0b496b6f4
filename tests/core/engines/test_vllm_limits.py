"""Steps of vLLM by release, card and what starts it, as read in each release's engine/arg_utils.py."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.engines import build_engine
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.errors import InvalidInputError
from tests.core.engines.setups import setup


def vllm(version: str | None = None, **options: Any) -> Vllm:
    found = build_engine("vllm", version, **options)
    assert isinstance(found, Vllm)
    return found


BATCHES = [  # release, card, what starts it, tokens and sequences of a step
    ("0.11.0", "h100-80gb-sxm", "OPENAI_API_SERVER", 8192, 1024),
    ("0.11.0", "h100-80gb-sxm", "LLM_CLASS", 16384, 1024),
    ("0.33.0", "h100-80gb-sxm", "LLM_CLASS", 16384, 1024),
    ("0.33.0", "a100-80gb-sxm", "LLM_CLASS", 8192, 256),
    ("0.33.0", "rtx-4090", "OPENAI_API_SERVER", 2048, 256),
    ("0.27.0", "b200-180gb-sxm", "OPENAI_API_SERVER", 8192, 1024),
    ("0.27.0", "b200-180gb-sxm", "LLM_CLASS", 16384, 1024),
    ("0.28.0", "b200-180gb-sxm", "OPENAI_API_SERVER", 16384, 1024),
    ("0.32.0", "dgx-spark-gb10", "OPENAI_API_SERVER", 8192, 1024),
    ("0.33.0", "dgx-spark-gb10", "OPENAI_API_SERVER", 2048, 256),
]


@pytest.mark.parametrize(("version", "gpu", "usage", "tokens", "sequences"), BATCHES)
def test_steps_follow_release_card_and_how_it_is_started(
    version: str, gpu: str, usage: str, tokens: int, sequences: int
) -> None:
    limits = vllm(version, usage_context=usage, max_model_len=8192).limits(setup(gpu=gpu))
    assert (limits.max_batched_tokens, limits.max_sequences) == (tokens, sequences)


def test_throughput_doubles_what_is_not_said() -> None:
    fast = vllm(performance_mode="throughput", max_model_len=8192).limits(setup())
    assert (fast.max_batched_tokens, fast.max_sequences) == (16384, 2048)
    said = vllm(performance_mode="throughput", max_num_seqs=64, max_num_batched_tokens=512).limits(setup())
    assert (said.max_batched_tokens, said.max_sequences) == (512, 64)
    with pytest.raises(InvalidInputError, match="performance_mode"):
        vllm("0.16.0", performance_mode="throughput")


@pytest.mark.parametrize(
    ("version", "gpu", "tokens"),
    [("0.20.0", "l40s", 2048), ("0.33.0", "l40s", 2496), ("0.33.0", "h100-80gb-sxm", 8192)],
)
def test_a_step_holds_the_largest_video_of_gemma_4(version: str, gpu: str, tokens: int) -> None:
    """vLLM 0.33.0's own configuration of Gemma 4 31B with a capability of 8.0 or 8.9: 2496, 32 frames of 78."""
    model = read_config(load_catalogs().model("gemma-4-31b").config, name="gemma-4-31b").model
    limits = vllm(version, max_model_len=8192).limits(setup(model, gpu=gpu))
    assert limits.max_batched_tokens == tokens


@pytest.mark.parametrize(
    ("memory_gib", "tokens", "sequences"),
    [(69.9, 2048, 256), (70, 8192, 1024), (159.9, 8192, 1024), (160, 16384, 1024)],
)
def test_cards_are_large_from_70_and_very_large_from_160_gib_on(
    memory_gib: float, tokens: int, sequences: int
) -> None:
    """``get_batch_defaults`` of 0.33.0: at least 70 x 2^30 bytes, and at least 160 x 2^30."""
    limits = vllm("0.33.0", max_model_len=8192).limits(setup(memory_gib=memory_gib))
    assert (limits.max_batched_tokens, limits.max_sequences) == (tokens, sequences)
