"""MLX through every way in: its formats, its memory against what mlx-lm printed, and what it is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.core.errors import UnsupportedError

PEAKS = json.loads((Path(__file__).parents[1] / "golden" / "mlx_caches.json").read_text())["peaks"]
GIB = 2**30
FORMATS = {16: "bf16", 8.5: "mlx-8bit", 4.5: "mlx-4bit"}


def asked(operation: Any, model: str = "qwen3-4b", weights: str | None = "mlx-4bit", **changed: Any) -> Any:
    request = {
        "model": model,
        "hardware": {"gpu": "apple-m4-max", "gpu_memory_bytes": 64 * GIB},
        "engine": {"name": "mlx"},
        "workload": {"input_tokens": 2048, "output_tokens": 128, "concurrency": 1},
        **({"precision": {"weights": weights}} if weights else {}),
        **changed,
    }
    return operation.answered(request, load_catalogs())


@pytest.mark.parametrize("case", PEAKS, ids=lambda case: f"{case['model']} {case['bits']}")
def test_peak_memory_is_near_what_the_benchmark_printed(case: dict[str, Any]) -> None:
    """The constant is a mean over runs between 0.33 and 0.69 GB, so 0.3 GB either way."""
    load = {"input_tokens": case["tokens"] - 1, "output_tokens": 1, "concurrency": 1}
    found = asked(operations.MEMORY_PLAN, case["model"], FORMATS[case["bits"]], workload=load)
    parts = found.per_gpu
    taken = parts.weights_bytes + parts.activation_peak_bytes + parts.framework_bytes
    assert taken + found.kv_cache.allocated.bytes_in_all == pytest.approx(case["peak_gb"] * 1e9, abs=0.3e9)


def test_prompts_are_read_in_the_steps_that_are_said() -> None:
    """Experts of a mixture are read once a step: four times as many steps of 512 tokens take longer."""
    first = {
        step: asked(
            operations.SERVING_ESTIMATE,
            "qwen3-30b-a3b",
            engine={"name": "mlx", **({"prefill_step_size": step} if step else {})},
        ).ttft_s
        for step in (None, 512, 2048)
    }
    assert first[None] == first[2048] < 0.95 * first[512]
    assert 2048 / first[2048] == pytest.approx(1753.9, rel=0.1)  # BENCHMARKS.md of mlx-lm, which the fit took


SPEEDS = (
    ("llama-3.1-8b", "mlx-4bit", "apple-m3-ultra", 512, 128, 119.39),
    ("phi-4-mini", "mlx-4bit", "apple-m3-ultra", 2048, 512, 159.76),
    ("gemma-3-1b", "mlx-4bit", "apple-m3-ultra", 512, 128, 257.65),
    ("qwen3.6-35b-a3b", "mlx-8bit", "apple-m3-ultra", 512, 512, 73.76),
    ("qwen3.5-9b", "mlx-4bit", "apple-m4-pro", 512, 512, 43.4),
)
"""Published tokens a second of programs built on MLX (Rapid-MLX pull requests 585, 586, 640, issues 472 and 567), none
of which the fit took; their servers differ from mlx-lm's, so that the range must hold four of the five."""


def test_speeds_that_others_published_lie_in_the_range() -> None:
    inside = 0
    for model, weights, gpu, prompt, answer, tokens_per_s in SPEEDS:
        load = {"input_tokens": prompt, "output_tokens": answer, "concurrency": 1}
        found = asked(operations.SERVING_ESTIMATE, model, weights, hardware={"gpu": gpu}, workload=load)
        inside += found.interval.tpot_s.low <= 1 / tokens_per_s <= found.interval.tpot_s.high
    assert inside >= 4


@pytest.mark.parametrize(
    ("model", "weights"), [("qwen3-8b", "bf16"), ("qwen3-8b", "mlx-4bit"), ("qwen3-30b-a3b", "mlx-4bit")]
)
def test_output_grows_with_the_requests_that_run_together(model: str, weights: str) -> None:
    """Up to the 32 that the server computes together; a batch never takes longer than one request after another."""
    found = {
        count: asked(
            operations.SERVING_ESTIMATE,
            model,
            weights,
            workload={"input_tokens": 1000, "output_tokens": 500, "batch": count},
        )
        for count in (1, 2, 4, 8, 9, 10, 16, 24, 32)
    }
    rates = [count / each.tpot_s for count, each in found.items()]
    assert rates == sorted(rates)
    assert found[32].tpot_s < 32 * found[1].tpot_s
    assert found[1].basis.kind != "formula_only"
    assert {each.basis.kind for count, each in found.items() if count > 1} == {"formula_only"}
    assert found[9].interval.status == "uncalibrated"
    assert any("single requests only" in word for word in found[9].warnings)


LONG = {"input_tokens": 30_000, "output_tokens": 500, "concurrency": 1}


def test_a_quantized_cache_is_told_and_timed_as_one() -> None:
    """4 bits and 32 bits of scales in groups of 64 are 4.5 bits a number: 147,456 x 4.5 / 16 = 41,472 bytes a token."""
    wide, narrow, late = (
        {
            operation: asked(operation, "qwen3-8b", engine={"name": "mlx", **options}, workload=LONG)
            for operation in (operations.MEMORY_PLAN, operations.SERVING_ESTIMATE)
        }
        for options in ({}, {"kv_bits": 4}, {"kv_bits": 4, "quantized_kv_start": 100_000})
    )
    plan, timed = narrow.values()
    assert plan.kv_cache.format == timed.resolved.kv_cache == "mlx-4bit"
    assert plan.kv_cache.needed.bytes_per_token == plan.kv_cache.allocated.bytes_per_token == 41_472
    assert any("engine.kv_bits" in word and "mlx-4bit" in word for word in plan.assumptions)
    assert timed.tpot_s < wide[operations.SERVING_ESTIMATE].tpot_s
    assert timed.basis.kind == "formula_only"
    assert any("unpacking" in word for word in timed.warnings)
    never, same = late.values()
    assert never.kv_cache.format == same.resolved.kv_cache == "bf16"
    assert never.kv_cache == wide[operations.MEMORY_PLAN].kv_cache
    assert same.tpot_s == wide[operations.SERVING_ESTIMATE].tpot_s


def test_a_quantized_cache_of_a_prompt_beyond_the_context_is_planned() -> None:
    found = asked(
        operations.MEMORY_PLAN,
        "qwen3-8b",
        engine={"name": "mlx", "kv_bits": 4},
        workload={"input_tokens": 60_000, "output_tokens": 500, "concurrency": 1},
    )
    assert not found.fits


def test_an_adapters_reserve_is_named_where_nothing_reserves() -> None:
    found = asked(operations.MEMORY_PLAN, "qwen3-8b", lora={"rank": 64, "max_rank": 128, "adapters": 8})
    assert any("8 adapters of rank 64" in word and "max_rank" in word for word in found.assumptions)


def test_elsewhere_than_on_apple_it_is_refused_with_what_runs_there() -> None:
    with pytest.raises(
        UnsupportedError, match=r"mlx .* does not run on rtx-4090; it runs on Apple"
    ) as refused:
        asked(operations.MEMORY_PLAN, hardware="rtx-4090", weights="bf16")
    assert "llama.cpp" in refused.value.details["accepted"]  # type: ignore[operator]


@pytest.mark.parametrize("weights", ["q4_k_m", "fp8"])
def test_formats_that_it_does_not_read_are_refused(weights: str) -> None:
    with pytest.raises(UnsupportedError, match="there it runs mlx") as refused:
        asked(operations.SERVING_ESTIMATE, weights=weights)
    assert refused.value.field == "precision.weights"


def test_a_model_that_it_has_no_class_for_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="does not run models of type falcon"):
        asked(operations.MEMORY_PLAN, "falcon-7b", "bf16")


def test_a_cache_in_fp8_is_refused_and_no_advice_names_one() -> None:
    with pytest.raises(UnsupportedError, match="mlx keeps no cache in fp8"):
        asked(operations.MEMORY_PLAN, precision={"weights": "mlx-4bit", "kv_cache": "fp8"})
    tight = asked(
        operations.MEMORY_PLAN,
        "llama-3.3-70b",
        "mlx-8bit",
        workload={"input_tokens": 30_000, "output_tokens": 1000, "concurrency": 1},
    )
    assert not tight.fits
    advised = {change.field: change.value for change in tight.changes_that_fit}
    assert advised["precision.weights"] == "mlx-4bit"
    assert all(change.field != "precision.kv_cache" for change in tight.changes_that_fit)


def test_the_checkpoint_itself_runs_where_nothing_names_a_format() -> None:
    own = asked(operations.MEMORY_PLAN, "gpt-oss-20b", None)
    assert own.weights_format.startswith("the checkpoint's own")
    assert own.per_gpu.weights_bytes == pytest.approx(13.76e9, rel=0.01)  # its safetensors


def test_a_plan_starts_its_server() -> None:
    request = {
        "model": "qwen3-4b",
        "engines": ["mlx"],
        "gpus": ["apple-m4-max"],
        "formats": ["mlx-4bit"],
        "workload": {"input_tokens": 1024, "output_tokens": 256, "concurrency": 1},
        "prices": {"apple-m4-max": 0.5},
    }
    found = operations.DEPLOYMENT_PLANS.answered(request, load_catalogs())
    assert found.plans[0].launch_command == "mlx_lm.server --model Qwen3-4B-mlx-4bit"
