"""Which quantization fits on a machine, and which models run there."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import FIT, MEMORY_PLAN, MODELS_FOR, SERVING_ESTIMATE
from llm_calc.adapters.wire.fitting import FitAnswer, FitRow
from llm_calc.core.errors import CalcError


def fitted(model: str, hardware: Any, **fields: Any) -> FitAnswer:
    return FIT.answered({"model": model, "hardware": hardware, **fields}, load_catalogs())


def row(answer: FitAnswer, weights: str, kv_cache: str = "fp16") -> FitRow:
    return next(each for each in answer.rows if (each.weights, each.kv_cache) == (weights, kv_cache))


def test_the_most_bits_that_lie_on_the_card_are_the_best() -> None:
    answer = fitted("qwen3-8b", "rtx-3060-12gb", context_tokens=16_384)
    assert answer.best is not None
    best = answer.rows[answer.best]
    assert (best.weights, best.where) == ("q8_0", "gpu")
    assert [each.best for each in answer.rows].count(True) == 1
    bits = [each.bits_per_weight for each in answer.rows]
    assert bits == sorted(bits, reverse=True)


def test_what_does_not_lie_on_the_card_goes_to_the_host_and_is_slower() -> None:
    answer = fitted("qwen3-32b", "rtx-4090", formats=["q8_0", "q4_k_m"], cache_types=["f16"])
    large, small = row(answer, "q8_0"), row(answer, "q4_k_m")
    assert (large.where, small.where) == ("gpu and host", "gpu")
    assert large.gpu_layers < large.layers == small.gpu_layers
    assert large.tokens_per_s is not None
    assert small.tokens_per_s is not None
    assert large.tokens_per_s < 0.4 * small.tokens_per_s
    assert large.run_with is not None
    assert "--fit on" in large.run_with.llama_cpp
    assert f"num_gpu {large.gpu_layers}" in large.run_with.ollama


def test_layers_whose_experts_stay_with_the_host_are_not_asked_of_ollama() -> None:
    apart = row(fitted("qwen3-30b-a3b", "rtx-3060-12gb", formats=["q4_k_m"], cache_types=["f16"]), "q4_k_m")
    assert (apart.where, apart.gpu_layers) == ("gpu and host", apart.layers)
    assert apart.run_with is not None
    assert "num_gpu" not in apart.run_with.ollama
    assert "Force Model Expert Weights onto CPU" in apart.run_with.lm_studio


def test_a_smaller_cache_leaves_more_context() -> None:
    answer = fitted("qwen3-32b", "rtx-4090", formats=["q4_k_m"])
    whole, half = (row(answer, "q4_k_m", cache).longest_context_tokens for cache in ("fp16", "q8_0"))
    assert whole is not None
    assert half is not None
    assert half > whole > 8192


def test_what_never_lies_on_the_card_alone_has_no_longest_context() -> None:
    """32.8e9 parameters of 8.5 bits are 34.8 GB, which 24 GB do not hold at any context."""
    split = row(fitted("qwen3-32b", "rtx-4090", formats=["q8_0"], context_tokens=8192), "q8_0")
    assert (split.fits, split.where) == (True, "gpu and host")
    assert split.longest_context_tokens is None


def test_the_longest_context_is_one_that_fits_and_the_next_is_not_whole() -> None:
    longest = row(fitted("qwen3-32b", "rtx-4090", formats=["q4_k_m"]), "q4_k_m").longest_context_tokens
    assert longest is not None
    for tokens, where in ((longest, "gpu"), (longest + 1024, "gpu and host")):
        found = fitted("qwen3-32b", "rtx-4090", formats=["q4_k_m"], context_tokens=tokens)
        assert row(found, "q4_k_m").where == where


def test_what_neither_holds_has_no_speed() -> None:
    host = {"platform": "desktop-ddr5-5600", "memory_bytes": 32 << 30}
    answer = fitted("deepseek-v3", {"gpu": "rtx-4090", "host": host}, formats=["q4_k_m"])
    assert answer.best is None
    for each in answer.rows:
        assert (each.fits, each.where, each.tokens_per_s, each.run_with) == (False, "nowhere", None, None)
        assert "host" in each.reason


def test_a_row_says_what_an_estimate_says() -> None:
    found = row(fitted("llama-3.1-8b", "rtx-4090", formats=["q4_k_m"], cache_types=["f16"]), "q4_k_m")
    asked = {
        "model": "llama-3.1-8b",
        "precision": "q4_k_m",
        "hardware": "rtx-4090",
        "engine": {"name": "llama.cpp", "n_ctx": 8192, "n_parallel": 1},
        "workload": {"input_tokens": 7168, "output_tokens": 1024},
    }
    estimate = SERVING_ESTIMATE.answered(asked, load_catalogs())
    assert found.tokens_per_s == pytest.approx(1 / estimate.tpot_s)
    assert found.ttft_s == pytest.approx(estimate.ttft_s)


@pytest.mark.parametrize("model", ["kolibri-1", "molmo2-8b"])
def test_no_command_of_mlx_is_offered_for_a_model_that_it_refuses(model: str) -> None:
    answer = fitted(model, "apple-m3-ultra", context_tokens=8192)
    offered = [row.run_with for row in answer.rows if row.run_with is not None]
    assert offered
    assert all(each.llama_cpp and each.mlx is None for each in offered)
    asked = {"model": model, "hardware": "apple-m3-ultra", "engine": {"name": "mlx"}}
    with pytest.raises(CalcError, match=r"does not run models of type \w+; they are run there by llama\.cpp"):
        MEMORY_PLAN.answered(asked, load_catalogs())


def test_a_mac_is_offered_mlx_and_a_card_is_not() -> None:
    mac, card = (
        fitted("llama-3.1-8b", gpu, formats=["q4_k_m"]).rows[0].run_with
        for gpu in ("apple-m4-max", "rtx-4090")
    )
    assert mac is not None
    assert card is not None
    assert mac.mlx == "mlx_lm.server --model llama-3.1-8b-4bit"
    assert mac.vllm is None
    assert card.mlx is None
    assert card.vllm is not None


def test_checkpoints_in_mxfp4_are_offered_as_they_are() -> None:
    answer = fitted("gpt-oss-20b", "rtx-4090")
    assert answer.best is not None
    assert [each.weights for each in answer.rows] == ["mxfp4", "mxfp4", "q4_k_m", "q4_k_m"]
    assert any(each.startswith("formats: mxfp4 and q4_k_m; other kinds leave") for each in answer.assumptions)


def test_kinds_that_make_the_same_file_have_one_row() -> None:
    """Of gpt-oss q8_0 is the file of MXFP4, since experts stay as they are; f16 and fp16 are one name."""
    answer = fitted("gpt-oss-20b", "rtx-4090", formats=["mxfp4", "q8_0"], cache_types=["f16", "fp16"])
    assert [(each.weights, each.kv_cache) for each in answer.rows] == [("mxfp4", "fp16")]


def test_a_cache_that_llama_cpp_has_not_is_refused() -> None:
    with pytest.raises(CalcError, match="q8_0"):
        fitted("llama-3.1-8b", "rtx-4090", cache_types=["fp8"])


def test_the_largest_models_come_first() -> None:
    answer = MODELS_FOR.answered({"hardware": "l4", "max_models": 5}, load_catalogs())
    sizes = [each.parameters_billions for each in answer.models]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 5
    assert answer.more
    assert all(each.tokens_per_s >= 10 and each.headroom_bytes >= 0 for each in answer.models)


@pytest.mark.parametrize("gpu", ["rtx-4080", "rtx-3090"])
def test_gpt_oss_is_listed_as_it_was_published(gpu: str) -> None:
    """The file of ggml-org has 12,109,566,560 bytes, header and vocabulary among them: a card of 16 GB holds it."""
    answer = MODELS_FOR.answered({"hardware": gpu, "family": "gpt-oss"}, load_catalogs())
    (found,) = answer.models
    assert (found.model, found.weights) == ("gpt-oss-20b", "mxfp4")
    assert found.file_bytes == pytest.approx(12.11e9, rel=0.005)


def test_slow_ones_are_named_and_families_chosen() -> None:
    asked = {"hardware": "l4", "family": "qwen", "least_tokens_per_s": 30.0, "max_models": 3}
    answer = MODELS_FOR.answered(asked, load_catalogs())
    assert answer.models
    assert all("qwen" in each.family.lower() for each in answer.models)
    assert answer.too_slow


def test_a_list_of_models_names_the_formats_that_it_looked_at_and_who_looks_at_more() -> None:
    """Kolibri 1 lies on 48 GiB as iq4_xs, which the list does not look at, and fit does."""
    asked: dict[str, Any] = {"hardware": "M4 Max 64GB", "family": "Kolibri", "context_tokens": 65_536}
    answer = MODELS_FOR.answered(asked, load_catalogs())
    assert answer.models == []
    (said,) = [each for each in answer.assumptions if each.startswith("weights:")]
    assert "q8_0, q6_k, q4_k_m" in said
    assert "llm-calc fit" in said
    with_weights = MODELS_FOR.answered({**asked, "weights": "iq4_xs"}, load_catalogs())
    assert [each.model for each in with_weights.models] == ["kolibri-1"]
    assert not any(each.startswith("weights:") for each in with_weights.assumptions)


def test_a_gpu_that_runs_no_model_and_a_family_that_is_not_there_are_refused() -> None:
    with pytest.raises(CalcError, match="does not run on tpu-v5e"):
        MODELS_FOR.answered({"hardware": "tpu-v5e"}, load_catalogs())
    with pytest.raises(CalcError, match=r"family: no model .* known: .*Qwen"):
        MODELS_FOR.answered({"hardware": "rtx-4090", "family": "qwen99"}, load_catalogs())


def test_contexts_beyond_the_model_are_refused() -> None:
    assert fitted("llama-3.1-8b", "rtx-4090", context_tokens=131_072).rows
    with pytest.raises(CalcError, match="context_tokens: 200000 is above the 131072 tokens"):
        fitted("llama-3.1-8b", "rtx-4090", context_tokens=200_000)


def test_models_in_a_format_that_llama_cpp_does_not_run_are_refused() -> None:
    asked = {"hardware": "rtx-4090", "context_tokens": 8192, "weights": "int4-awq"}
    with pytest.raises(CalcError, match=r"weights: llama\.cpp runs no int4-awq on rtx-4090"):
        MODELS_FOR.answered(asked, load_catalogs())


@pytest.mark.parametrize("part", [{"platform": "epyc-9004"}, {"memory_bandwidth_bytes_per_s": 1e11}])
def test_a_host_of_its_own_is_refused_where_the_gpu_shares_its_memory(part: dict[str, Any]) -> None:
    with pytest.raises(CalcError, match=rf"hardware\.host\.{next(iter(part))}: apple-m3-max shares"):
        fitted("qwen3-8b", {"gpu": "apple-m3-max", "host": part}, context_tokens=8192)


def test_an_unknown_processor_is_named_by_its_own_field() -> None:
    with pytest.raises(CalcError, match=r"hardware\.host\.cpu"):
        fitted("qwen3-8b", {"gpu": "rtx-4090", "host": {"cpu": "banana"}}, context_tokens=8192)


@pytest.mark.parametrize("context_tokens", [8192, 16384, 32768])
def test_vllm_is_offered_where_its_own_plan_starts(context_tokens: int) -> None:
    answer = fitted("qwen3-14b", "rtx-3060-12gb", formats=["q4_k_m"], context_tokens=context_tokens)
    for each in answer.rows:
        offered = each.run_with.vllm if each.run_with else None
        asked = {
            "model": "qwen3-14b",
            "precision": {"weights": "int4-awq", "kv_cache": "fp8" if each.kv_cache == "q8_0" else "auto"},
            "hardware": "rtx-3060-12gb",
            "engine": {"name": "vllm", "max_model_len": context_tokens, "max_num_seqs": 1},
        }
        starts = MEMORY_PLAN.answered(asked, load_catalogs()).starts
        assert (offered is not None) == (each.where == "gpu" and starts)


def test_vllm_is_given_a_repository_that_exists() -> None:
    found = fitted("qwen3-8b", "rtx-4090", formats=["q8_0"], cache_types=["f16"]).rows[0].run_with
    assert found is not None
    assert found.vllm == "vllm serve Qwen/Qwen3-8B --quantization fp8 --max-model-len 8192 --max-num-seqs 1"


@pytest.mark.parametrize("kind", ["mxfp4", "q8_0", "q4_k_m"])
def test_vllm_is_given_a_checkpoint_that_is_published_in_four_bits_as_it_is(kind: str) -> None:
    found = fitted("gpt-oss-20b", "rtx-5090", formats=[kind], cache_types=["f16"]).rows[0].run_with
    assert found is not None
    assert found.vllm == "vllm serve openai/gpt-oss-20b --max-model-len 8192 --max-num-seqs 1"


def test_of_an_fp8_checkpoint_vllm_is_given_itself_or_one_of_four_bits() -> None:
    # published in fp8 blocks: no second quantization; four bits are another checkpoint
    hardware = {"gpu": "h200-141gb-sxm", "count": 8}
    eight, four = fitted(
        "deepseek-v3.1", hardware, formats=["q8_0", "q4_k_m"], cache_types=["f16"], context_tokens=4096
    ).rows
    assert eight.run_with is not None
    assert four.run_with is not None
    assert eight.run_with.vllm is not None
    assert eight.run_with.vllm.startswith("vllm serve deepseek-ai/DeepSeek-V3.1 --max-model-len 4096")
    assert four.run_with.vllm is not None
    assert "AN_AWQ_CHECKPOINT_OF_deepseek-ai/DeepSeek-V3.1" in four.run_with.vllm


def test_a_host_that_is_not_known_is_refused_in_place_of_finding_no_model() -> None:
    asked = {"hardware": {"gpu": "rtx-4090", "host": {"cpu": "nope"}}, "context_tokens": 1024}
    with pytest.raises(CalcError, match=r"hardware\.host\.cpu"):
        MODELS_FOR.answered(asked, load_catalogs())


def test_unlike_cards_are_said_to_be_and_a_format_is_tried_once() -> None:
    found = fitted("qwen3-8b", "rtx-4090,rx-7900-xtx", formats=["q4_k_m", "Q4_K_M"], cache_types=["f16"])
    assert len(found.rows) == 1
    assert any("never measured" in words for words in found.assumptions)


def test_units_that_are_not_counted_are_said_of_the_chip_that_has_them() -> None:
    asked: dict[str, Any] = {
        "model": "qwen3-8b",
        "engine": {"name": "mlx"},
        "precision": {"weights": "mlx-4bit"},
    }
    said = {
        gpu: any(
            "matrix units" in line
            for answer in (
                SERVING_ESTIMATE.answered({**asked, "hardware": gpu}, load_catalogs()),
                fitted("qwen3-8b", gpu, formats=["q4_k_m"], cache_types=["f16"]),
            )
            for line in answer.assumptions
        )
        for gpu in ("m5 max 64gb", "m4 max 64gb")
    }
    assert said == {"m5 max 64gb": True, "m4 max 64gb": False}
