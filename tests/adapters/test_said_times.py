"""What a deployment says of states, kernels and builds is in its times, or is named and takes the certainty away."""

from collections.abc import Callable
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs

Json = dict[str, Any]
HYBRID, STATED = "granite-4.0-h-small", "nemotron-nano-9b-v2"
"""Of the first no file says how wide states are, of the second float32."""
LOAD = {"input_tokens": 2000, "output_tokens": 200, "concurrency": 64}


def estimated(model: str, engine: Json, gpu: str = "2x h200-141gb-sxm") -> Any:
    return llm_calc.estimate(model=model, hardware=gpu, engine=engine, workload=LOAD)


def state_traffic(model: str, engine: Json) -> float:
    """Of the decode step, at as many requests as run."""
    rows = [row for row in estimated(model, engine).operators if row.phase == "decode"]
    (state,) = [row for row in rows if "state" in row.name]
    return float(state.bytes)


@pytest.mark.parametrize(
    ("engine", "option", "model"),
    [
        ("vllm", "mamba_ssm_cache_dtype", HYBRID),
        ("vllm", "mamba_ssm_cache_dtype", STATED),
        ("sglang", "mamba_ssm_dtype", HYBRID),
        ("sglang", "mamba_ssm_dtype", STATED),
        ("trtllm", "mamba_ssm_cache_dtype", HYBRID),
    ],
)
def test_wider_states_are_more_traffic(engine: str, option: str, model: str) -> None:
    """Twice the bytes but for states of convolutions, which are a few percent of these models' states."""
    narrow, wide = (state_traffic(model, {"name": engine, option: each}) for each in ("bfloat16", "float32"))
    assert 1.85 < wide / narrow <= 2.0


def test_tensorrt_llm_changes_no_width_that_a_file_states() -> None:
    narrow, usual = (
        state_traffic(STATED, {"name": "trtllm", **each})
        for each in ({"mamba_ssm_cache_dtype": "bfloat16"}, {})
    )
    assert narrow == usual


def test_sglang_keeps_states_of_no_stated_width_in_32_bits() -> None:
    wide, usual = (
        state_traffic(HYBRID, {"name": "sglang", **each}) for each in ({"mamba_ssm_dtype": "float32"}, {})
    )
    assert wide == usual


KERNELS = [
    ("h100-80gb-sxm", "llama-3.1-8b", "fa3", True),
    ("h100-80gb-sxm", "llama-3.1-8b", "triton", False),
    ("h100-80gb-sxm", "llama-3.1-8b", "trtllm_mha", False),
    ("b200-180gb-sxm", "llama-3.1-8b", "trtllm_mha", True),
    ("b200-180gb-sxm", "llama-3.1-8b", "fa4", False),
    ("a100-80gb-sxm", "llama-3.1-8b", "flashinfer", True),
    ("a100-80gb-sxm", "llama-3.1-8b", "fa3", False),
    ("mi300x", "llama-3.1-8b", "aiter", True),
    ("mi300x", "llama-3.1-8b", "triton", False),
    ("l40s", "gpt-oss-20b", "triton", True),  # FlashInfer knows no sinks
    ("l40s", "gpt-oss-20b", "flashinfer", False),
    ("h100-80gb-sxm", "gemma-4-31b", "triton", True),
    ("h100-80gb-sxm", "gemma-4-31b", "fa3", False),
    ("l40s", "olmo2-7b", "fa3", True),
]


@pytest.mark.parametrize(("gpu", "model", "kernels", "usual"), KERNELS)
def test_kernels_that_were_not_measured_are_not_called_so(
    gpu: str, model: str, kernels: str, usual: bool
) -> None:
    found = estimated(model, {"name": "sglang", "attention_backend": kernels}, gpu)
    words = [word for word in found.warnings if word.startswith("engine.attention_backend")]
    assert bool(words) != usual
    if not usual:
        assert (found.basis.kind, found.interval.status) == ("formula_only", "uncalibrated")
    else:  # as where nothing is named
        assert found.basis.kind == estimated(model, {"name": "sglang"}, gpu).basis.kind


@pytest.mark.parametrize(
    ("engine", "version", "word"),
    [
        ("vllm", "0.33.1.dev12+gabc", "newer"),
        ("vllm", "0.33.0rc1", "older"),
        ("sglang", "0.5.24.dev3", "newer"),
        ("trtllm", "1.1.0rc2", "older"),
    ],
)
def test_builds_that_are_no_release_are_told_from_it(engine: str, version: str, word: str) -> None:
    asked: Json = {
        "model": "llama-3.1-8b",
        "hardware": "h100-80gb-sxm",
        "engine": {"name": engine, "version": version},
    }
    plan, times = llm_calc.memory_plan(**asked), llm_calc.estimate(**asked, workload=LOAD)
    for found in (plan, times):
        assert any(
            each.startswith("engine.version: the nearest") and f"is {word}" in each for each in found.warnings
        )
    assert times.basis.kind != "measured"


@pytest.mark.parametrize("version", ["0.33.0", "0.33.0.post1", "0.33.0+cu129", "0.33"])
def test_releases_are_themselves(version: str) -> None:
    plan = llm_calc.memory_plan(
        model="llama-3.1-8b", hardware="h100-80gb-sxm", engine={"name": "vllm", "version": version}
    )
    assert not [word for word in plan.warnings if "engine.version" in word]


def interval_width(gpu: str, *kind: str) -> float:
    found = llm_calc.estimate(
        model="llama-3.1-8b",
        hardware=gpu,
        precision={"weights": "q4_k_m"},
        engine="llama.cpp",
        workload={**LOAD, "concurrency": 1},
    )
    assert (found.basis.kind, found.basis.unseen) == kind
    span = found.interval.tpot_s
    assert span is not None
    return float(span.high) / float(span.low)


def test_a_generation_that_was_never_measured_is_far_less_sure() -> None:
    """Of AMD llama.cpp was measured on graphics cards alone, none of which tells how it runs on MI300X."""
    new, known = (
        interval_width("mi300x", "formula_only", "generation"),
        interval_width("rx-7900-xtx", "calibrated", "gpu"),
    )
    assert new > 1.5 * known


def test_a_recommendation_says_what_was_never_measured() -> None:
    found = llm_calc.recommend(
        model="llama-3.1-8b",
        engine="llama.cpp",
        precision={"weights": "q4_k_m"},
        gpus=["mi300x", "rtx-4090"],
        context_tokens=2048,
    )
    said = {
        each.gpu: [word for word in each.notes if "no measurement of" in word]
        for each in found.recommendations
    }
    assert said["mi300x"] == [
        "no measurement of llama.cpp on GPUs of the generation of mi300x: times are the formula's alone"
    ]
    assert said["rtx-4090"] == []


CAP = {"override_generation_config": {"max_new_tokens": 100}}


@pytest.mark.parametrize(
    "workload",
    [
        {"input_tokens": 500, "output_tokens": 101, "concurrency": 1},
        {
            "input_tokens": 500,
            "output_tokens": {"distribution": "lognormal", "mean": 150, "std": 10},
            "request_rate": 1,
        },
        {
            "request_rate": 1,
            "classes": [
                {"name": "a", "share": 0.5, "input_tokens": 100, "output_tokens": 90},
                {"name": "b", "share": 0.5, "input_tokens": 100, "output_tokens": 400},
            ],
        },
    ],
    ids=["length", "distribution", "class"],
)
@pytest.mark.parametrize(
    "cap", [CAP, {"override_generation_config": '{"max_new_tokens": 100}'}], ids=["part", "text"]
)
def test_answers_are_no_longer_than_a_server_lets_them_become(workload: Json, cap: Json) -> None:
    """https://docs.vllm.ai/en/stable/configuration/engine_args/: max_new_tokens limits all requests of the server."""
    with pytest.raises(llm_calc.InvalidInputError, match=r"max_new_tokens.*must agree"):
        llm_calc.estimate(
            model="llama-3.1-8b", hardware="h100-80gb-sxm", engine={"name": "vllm", **cap}, workload=workload
        )


@pytest.mark.parametrize(
    ("workload", "says"),
    [
        ({"input_tokens": 500, "concurrency": 1}, r"workload.output_tokens: 1024 are .* the default"),
        ({"preset": "chat"}, "workload.output_tokens: "),
        (
            {"trace": {"text": "arrival_s,input_tokens,output_tokens\n0,9,90\n1,9,200\n"}},
            "workload.trace: 200 are",
        ),
        (
            {"output_tokens": {"distribution": "lognormal", "mean": 80, "std": 50}, "concurrency": 1},
            "workload.output_tokens: .* max",
        ),
        (
            {"output_tokens": {"distribution": "quantiles", "levels": [0, 1], "values": [1, 101]}},
            "workload.output_tokens: 101 are",
        ),
    ],
    ids=["default", "preset", "trace", "tail", "quantiles"],
)
@pytest.mark.parametrize("cap", [CAP, {"further_values": CAP}], ids=["flag", "further"])
@pytest.mark.parametrize("ask", [llm_calc.estimate, llm_calc.memory_plan])
def test_answers_that_nobody_stated_in_numbers_are_as_short(
    ask: Callable[..., object], cap: Json, workload: Json, says: str
) -> None:
    with pytest.raises(llm_calc.InvalidInputError, match=says):
        ask(model="llama-3.1-8b", hardware="h100-80gb-sxm", engine={"name": "vllm", **cap}, workload=workload)


def test_a_distribution_that_ends_at_the_cap_is_taken() -> None:
    answers = {"distribution": "lognormal", "mean": 80, "std": 50, "max": 100}
    load = {"input_tokens": 500, "output_tokens": answers, "concurrency": 1}
    engine: Json = {"name": "vllm", **CAP}
    found = llm_calc.estimate(model="llama-3.1-8b", hardware="h100-80gb-sxm", engine=engine, workload=load)
    assert found.tpot_s > 0


def test_recommendations_time_answers_that_end_at_the_cap() -> None:
    engine: Json = {"name": "vllm", **CAP}
    found = llm_calc.recommend(
        model="llama-3.1-8b", gpus=["h100-80gb-sxm"], context_tokens=8192, engine=engine
    )
    assert "8092 prompt and 100 generated" in " ".join(found.assumptions)
    assert found.recommendations


@pytest.mark.parametrize(
    "workload", [{"classes": 5}, {"classes": [5]}, {"output_tokens": [5], "concurrency": 1}]
)
def test_a_workload_that_is_none_is_refused_by_its_own_field(workload: Json) -> None:
    with pytest.raises(llm_calc.InvalidInputError, match=r"workload\."):
        llm_calc.estimate(
            model="llama-3.1-8b", hardware="h100-80gb-sxm", engine={"name": "vllm", **CAP}, workload=workload
        )


def test_answers_within_the_cap_are_taken() -> None:
    load = {"input_tokens": 500, "output_tokens": 100, "concurrency": 1}
    found = llm_calc.estimate(
        model="llama-3.1-8b", hardware="h100-80gb-sxm", engine={"name": "vllm", **CAP}, workload=load
    )
    assert any("override_generation_config" in word for word in found.assumptions)


@pytest.mark.parametrize(
    ("engine", "kind", "weights", "refused"),
    [
        ("sglang", "bitsandbytes", "bf16", "must agree"),
        ("sglang", "bitsandbytes", "nf4", None),
        ("sglang", "BitsAndBytes", "fp8", "must agree"),
        ("sglang", "gguf", "bf16", None),
        ("sglang", "gguf", "fp8", "must agree"),
        ("vllm", "safetensors", "bf16", None),
        ("sglang", "dummy", "bf16", None),
        # vLLM 0.33.0 model_executor/model_loader/__init__.py has neither loader
        ("vllm", "gguf", "fp16", r"reads no gguf files .*sglang reads them"),
        ("vllm", "bitsandbytes", "int8", r"reads no bitsandbytes files .*sglang reads them"),
        ("vllm", "bitsandbytes", "bf16", r"reads no bitsandbytes files"),
        ("vllm 0.28.0", "bitsandbytes", "nf4", None),
        ("vllm 0.28.0", "bitsandbytes", "bf16", "must agree"),
        ("vllm 0.20.0", "gguf", "fp16", None),
        ("vllm 0.28.0", "gguf", "fp16", r"reads no gguf files"),
    ],
)
def test_files_hold_weights_in_the_format_of_the_request(
    engine: str, kind: str, weights: str, refused: str | None
) -> None:
    name, *version = engine.split()
    asked: Json = {
        "model": "llama-3.1-8b",
        "hardware": "h100-80gb-sxm",
        "engine": {"name": name, "load_format": kind, **({"version": version[0]} if version else {})},
        "precision": {"weights": weights},
    }
    if refused is None:
        assert llm_calc.memory_plan(**asked).fits
        return
    with pytest.raises(llm_calc.InvalidInputError, match=rf"engine\.load_format: .*{refused}"):
        llm_calc.memory_plan(**asked)


def test_an_estimate_says_that_a_stated_share_is_taken_otherwise() -> None:
    """SGLang 0.5.23 ``arg_groups/attention_hook.py``: x 0.85 beside aiter above 8192 tokens."""
    words = [
        [
            each
            for each in estimated("llama-3.1-8b", engine, gpu).assumptions
            if "0.85 of mem_fraction" in each
        ]
        for engine, gpu in (
            ({"name": "sglang", "mem_fraction_static": 0.9}, "mi300x"),
            ({"name": "sglang", "mem_fraction_static": 0.9, "context_length": 8192}, "mi300x"),
            ({"name": "sglang", "mem_fraction_static": 0.9}, "h100-80gb-sxm"),
        )
    ]
    assert [len(each) for each in words] == [1, 0, 0]


INT8 = {"quant_method": "bitsandbytes", "load_in_8bit": True}


@pytest.mark.parametrize(
    ("said", "config"), [({"load_format": "bitsandbytes"}, None), ({}, INT8), ({"load_format": "auto"}, INT8)]
)
def test_integers_of_bitsandbytes_are_not_called_measured(said: Json, config: Json | None) -> None:
    """SGLang 0.5.23 layers/quantization/bitsandbytes.py: numbers above MatmulLtState.threshold stay wide."""
    llama = load_catalogs().model("llama-3.1-8b").config
    asked: Json = {
        "model": "llama-3.1-8b"
        if config is None
        else {"hf_config": {**llama, "quantization_config": config}},
        "hardware": "h100-80gb-sxm",
        **({"precision": {"weights": "int8"}} if config is None else {}),
        "workload": {"input_tokens": 512, "output_tokens": 64, "concurrency": 4},
    }
    found = llm_calc.estimate(**asked, engine={"name": "sglang", **said})
    assert (found.basis.kind, found.interval.status) == ("formula_only", "uncalibrated")
    assert any(words.startswith("precision.weights: 8-bit integers of bits") for words in found.warnings)


def test_one_piece_of_each_expert_is_not_what_tensorrt_llm_does_anyway() -> None:
    """``Mapping``: without ``moe_expert_parallel_size`` experts are dealt over tp_size / moe_tensor_parallel_size."""
    with pytest.raises(llm_calc.CalcError, match=r"engine\.moe_tensor_parallel_size: .*parallelism\.expert"):
        llm_calc.memory_plan(
            model="qwen3-30b-a3b",
            hardware="4x h100-80gb-sxm",
            engine={"name": "trtllm", "tp_size": 4, "moe_tensor_parallel_size": 1},
        )


@pytest.mark.parametrize(
    ("engine", "weights", "activations", "taken"),
    [
        ("trtllm", "bf16", "fp8", False),
        ("trtllm", "int4-awq", "fp8", False),
        ("trtllm", "fp8", "fp8", True),
        ("vllm", "bf16", "fp8", False),
        ("vllm", "fp8", "fp8", True),
        ("vllm", "fp8", "int8", False),
        ("vllm", "int8", "int8", True),
        ("sglang", "bf16", "bf16", True),
    ],
)
def test_narrow_activations_are_those_that_weights_are_multiplied_with(
    engine: str, weights: str, activations: str, taken: bool
) -> None:
    found = llm_calc.estimate(
        model="llama-3.1-8b",
        hardware="h100-80gb-sxm",
        engine=engine,
        precision={"weights": weights, "activations": activations},
        workload=LOAD,
    )
    told = [word for word in found.warnings if word.startswith("precision.activations")]
    assert bool(told) != taken
    assert (found.basis.kind == "formula_only") != taken
    assert not any("32" in word for word in told)
