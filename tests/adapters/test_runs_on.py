"""What runs on what, and that every way to ask holds to it."""

from math import inf
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.runs_on import Load, load_runs_on, refusal
from llm_calc.adapters.runs_on_rows import release_of
from llm_calc.core.errors import CatalogError, UnsupportedError

MODEL = "llama-3.1-8b"
ASKED = {"input_tokens": 512, "output_tokens": 128, "concurrency": 4}


def body(
    engine: str, gpu: str, model: Any = MODEL, version: str | None = None, **precision: str
) -> dict[str, Any]:
    return {
        "model": model,
        "hardware": gpu,
        "engine": {"name": engine, **({"version": version} if version else {})},
        "precision": precision or None,
        "workload": ASKED,
    }


def asked(request: dict[str, Any], operation: Any = operations.MEMORY_PLAN) -> Any:
    return operation.answered({key: value for key, value in request.items() if value}, load_catalogs())


@pytest.mark.parametrize("operation", [operations.MEMORY_PLAN, operations.SERVING_ESTIMATE])
@pytest.mark.parametrize(
    ("engine", "gpu", "instead"),
    [
        ("trtllm", "mi300x", "vllm"),
        ("trtllm", "apple-m4-max", "llama.cpp"),
        ("trtllm", "gaudi3", "vllm"),
        ("trtllm", "ascend-910b3", "vllm"),
        ("trtllm", "max-1550", "vllm"),
        ("vllm", "apple-m4-max", "llama.cpp"),
        ("sglang", "tpu-v6e", "vllm"),
        ("llama.cpp", "gaudi3", "vllm"),
    ],
)
def test_a_chip_that_an_engine_does_not_run_on_is_refused(
    operation: Any, engine: str, gpu: str, instead: str
) -> None:
    with pytest.raises(UnsupportedError) as refused:
        asked(body(engine, gpu), operation)
    assert refused.value.field == "engine.name"
    assert f"{engine} (" in refused.value.message
    assert f"does not run on {gpu}" in refused.value.message
    assert instead in refused.value.details["accepted"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("engine", "gpu", "weights", "says"),
    [
        ("trtllm", "h100-80gb-sxm", "q4_k_m", "trtllm .* reads no GGUF files .q4_k_m. on h100-80gb-sxm"),
        ("trtllm", "h100-80gb-sxm", "nvfp4", "runs no nvfp4 weights on h100-80gb-sxm; there it runs .*mxfp4"),
        (
            "trtllm",
            "b200-180gb-sxm",
            "int4-awq",
            "there it runs .*nvfp4; int4-awq is run there by sglang, vllm",
        ),
        ("trtllm", "a100-80gb-sxm", "fp8", "there it runs fp16, bf16, int4-awq"),
        ("vllm", "h100-80gb-sxm", "q4_k_m", "q4_k_m is run there by llama.cpp, sglang|sglang"),
        ("llama.cpp", "h100-80gb-sxm", "fp8", "there it runs gguf"),
        ("sglang", "h100-80gb-sxm", "nvfp4", "nvfp4 is run there by vllm"),
    ],
)
def test_a_format_that_an_engine_does_not_run_there_is_refused(
    engine: str, gpu: str, weights: str, says: str
) -> None:
    with pytest.raises(UnsupportedError, match=says) as refused:
        asked(body(engine, gpu, weights=weights))
    assert refused.value.field == "precision.weights"


@pytest.mark.parametrize(
    ("engine", "model"),
    [
        ("vllm", "rwkv-4-7b"),
        ("vllm", "xlstm-7b"),
        ("vllm", "qwen-7b"),
        ("vllm", "internlm-7b"),
        ("vllm", "baichuan2-7b"),
        ("vllm", "zamba-7b"),
        ("vllm", "mpt-7b"),
        ("vllm", "minimax-m1"),
        ("sglang", "rwkv-4-7b"),
        ("sglang", "jamba-v0.1"),
        ("sglang", "zamba-7b"),
        ("sglang", "mpt-7b"),
        ("trtllm", "rwkv-4-7b"),
        ("trtllm", "jamba-v0.1"),
        ("llama.cpp", "rwkv-4-7b"),
        ("llama.cpp", "xlstm-7b"),
        ("llama.cpp", "biogpt"),
        ("llama.cpp", "zamba-7b"),
    ],
)
def test_kinds_of_models_that_an_engine_lacks_are_refused(engine: str, model: str) -> None:
    with pytest.raises(UnsupportedError, match=f"model: {engine} .* does not run models of type") as refused:
        asked(body(engine, "h200-141gb-sxm", model))
    assert refused.value.field == "model"


def test_a_release_that_still_had_them_runs_them() -> None:
    asked(body("vllm", "h100-80gb-sxm", "qwen-7b", version="0.16.0"))
    asked(body("vllm", "h100-80gb-sxm", "mpt-7b", version="0.28.0"))
    with pytest.raises(UnsupportedError, match=r"from release 0\.29 on"):
        asked(body("vllm", "h100-80gb-sxm", "mpt-7b", version="0.29.1"))


def test_a_release_that_does_not_have_them_yet_refuses() -> None:
    with pytest.raises(UnsupportedError, match=r"qwen3_5 up to release 0\.16\.0; they are run there by"):
        asked(body("vllm", "h100-80gb-sxm", "qwen3.5-27b", version="0.16.0"))
    asked(body("vllm", "h100-80gb-sxm", "qwen3.5-27b", version="0.17.0", weights="fp8"))


def test_what_runs_by_other_means_is_said() -> None:
    (warning,) = [
        each for each in asked(body("sglang", "h100-80gb-sxm", "olmo3-7b")).warnings if "type" in each
    ]
    assert (
        "names no models of type olmo3 among its own; it is not known to run this one, at best by " in warning
    )
    assert "the classes of the Transformers library" in warning


@pytest.mark.parametrize(
    "model",
    [
        "kimi-k3",
        "kolibri-1",
        "muse-spark-open-816b-a42b",
        "inkling-2-small",
        "hy4",
        "glm-5.3-flash",
        "beam 1.0",
    ],
)
def test_what_is_not_known_to_run_rests_on_no_measurement(model: str) -> None:
    asks = {**body("trtllm", "gb200", model), "hardware": {"gpu": "gb200", "count": 16}}
    answer = asked(asks, operations.SERVING_ESTIMATE)
    assert any("names no models of type" in each and "not known to run" in each for each in answer.warnings)
    assert answer.basis.kind == "formula_only"
    assert answer.interval.status == "uncalibrated"


@pytest.mark.parametrize(
    ("engine", "name"), [("sglang", "kolibri-1"), ("sglang", "apertus-v1.5-8b"), ("sglang", "molmo2-8b")]
)
def test_sglang_says_so_of_models_that_its_release_has_no_class_of(engine: str, name: str) -> None:
    """No entry class of ``sglang-0.5.23`` (read in its wheel on 2026-11-30) is of these types."""
    answer = asked(body(engine, "h200-141gb-sxm", name))
    assert any("not known to run" in each for each in answer.warnings)


def test_no_engine_in_particular_runs_everything() -> None:
    assert refusal("generic", load_catalogs().gpu("mi300x", "gpu"), LOAD) is None


def test_advice_names_only_formats_that_the_engine_runs_there() -> None:
    plan = asked(body("trtllm", "b200-180gb-sxm", "llama-3.1-405b"))
    assert not plan.fits
    values = {change.value for change in plan.changes_that_fit if change.field.startswith("precision")}
    assert not any("int4-awq" in str(value) for value in values)


LOAD = Load(model_type="llama", weights="bf16", storage="16-bit", is_gguf=False, compute="bf16")


def test_every_engine_runs_plain_models_on_the_chips_of_its_rows() -> None:
    gpus = load_catalogs().gpus
    for rules in load_runs_on().values():
        load = (
            LOAD
            if rules.name != "llama.cpp"
            else Load(model_type="llama", weights="q8_0", storage="q8_0", is_gguf=True, compute=None)
        )
        for row in rules.hardware:
            covered = [gpu for gpu in gpus if row.covers(gpu)]
            assert covered, f"{rules.name}: no GPU of the catalog is {row.words}"
        assert any(rules.refusal(gpu, load) is None for gpu in gpus)


@pytest.mark.parametrize(
    ("version", "release"),
    [("v0.16.0", (0, 16, 0)), ("b7200", (7200,)), ("0.5.12.post1", (0, 5, 12)), ("?", (inf,))],
)
def test_releases_are_read_as_numbers(version: str, release: tuple[float, ...]) -> None:
    assert release_of(version) == release


def test_a_misnamed_file_is_refused(tmp_path: Any) -> None:
    (tmp_path / "gpus").mkdir()
    (tmp_path / "runs_on").mkdir()
    text = 'name = "b"\ntitle = "B"\nnewest_read = "1"\nchecked = 2026-11-29\nsources = ["https://x"]\n'
    (tmp_path / "runs_on" / "a.toml").write_text(
        text + '[[hardware]]\nvendor = "NVIDIA"\nformats = ["bf16"]\n'
    )
    with pytest.raises(CatalogError, match=r"runs_on/a.toml: name: 'b' is not the file's"):
        load_runs_on(tmp_path)


def test_hardware_is_named_once() -> None:
    with pytest.raises(UnsupportedError) as refused:
        asked(body("trtllm", "mi300x"), operations.SERVING_ESTIMATE)
    text = refused.value.message
    assert "it runs on NVIDIA (8.0, 8.6, 8.7, 8.9, 9.0), NVIDIA from compute capability 10.0; mi300x" in text


QUANTIZED: dict[str, dict[str, Any]] = {
    "eetq": {},
    "higgs": {"bits": 4, "group_size": 256},
    "bitnet": {},
    "aqlm": {"in_group_size": 8, "out_group_size": 1, "num_codebooks": 1, "nbits_per_codebook": 16},
    "hqq": {"quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}},
    "quanto": {"weights": "int8"},
    "exl2": {"bits": 4.0},
    "exl3": {"bits": 4.0},
    "bitsandbytes": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "torchao": {"quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_data": {}}}},
    "auto-round": {"bits": 4, "group_size": 128, "sym": True},
    "gptq": {"bits": 4, "group_size": 128, "desc_act": False},
    "awq": {"bits": 4, "group_size": 128, "zero_point": True, "version": "gemm"},
    "fp8": {"weight_block_size": [128, 128], "activation_scheme": "dynamic"},
}
LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "torch_dtype": "bfloat16",
}
READ = {
    "vllm": {"torchao", "auto-round", "gptq", "awq", "fp8"},
    "vllm 0.27.0": {"bitsandbytes", "torchao", "auto-round", "gptq", "awq", "fp8"},
    "vllm 0.11.0": {"hqq", "bitsandbytes", "torchao", "auto-round", "gptq", "awq", "fp8"},
    "sglang": {"bitsandbytes", "auto-round", "gptq", "awq", "fp8"},
    "sglang 0.5.4": {"bitsandbytes", "gptq", "awq", "fp8"},
    "trtllm": {"gptq", "awq", "fp8"},
}
"""By the lists of vLLM and SGLang in these releases; of TensorRT-LLM what its loader does not raise for."""


@pytest.mark.parametrize("method", QUANTIZED)
@pytest.mark.parametrize("named", READ)
def test_a_checkpoint_is_read_by_the_engines_that_list_its_tool(named: str, method: str) -> None:
    """Whatever width its numbers have: those of EETQ are int8 like others, which does not make them readable."""
    engine, _, version = named.partition(" ")
    config = {**LLAMA, "quantization_config": {"quant_method": method, **QUANTIZED[method]}}
    request = body(engine, "h100-80gb-sxm", {"hf_config": config}, version or None)
    if method in READ[named]:
        assert asked(request).weights_format.startswith("the checkpoint's own")
        return
    with pytest.raises(
        UnsupportedError, match=f"no checkpoints whose quant_method is {method}; it reads"
    ) as error:
        asked(request)
    assert error.value.field == "precision.weights"
    assert engine not in error.value.details["engines"]  # type: ignore[operator]
    assert asked({**request, "precision": {"weights": "bf16"}}).weights_format.startswith("bf16")


def test_who_reads_a_checkpoint_instead_is_named() -> None:
    config = {**LLAMA, "quantization_config": {"quant_method": "bitsandbytes", **QUANTIZED["bitsandbytes"]}}
    with pytest.raises(UnsupportedError, match="it is run there by sglang"):
        asked(body("vllm", "h100-80gb-sxm", {"hf_config": config}))


@pytest.mark.parametrize(
    ("engine", "kind", "says"),
    [
        ("vllm", "iquest_q1", "a plug-in of their makers"),
        ("vllm", "nanbeige", "the classes of the Transformers library"),
        ("sglang", "telechat3", "the classes of the Transformers library"),
        ("sglang", "nanbeige", None),
        ("vllm", "telechat3", None),
    ],
)
def test_which_engines_have_a_class_of_types_that_transformers_has_none_of(
    engine: str, kind: str, says: str | None
) -> None:
    answer = asked(body(engine, "b200-180gb-sxm", {"hf_config": {"model_type": kind}}))
    said = [words for words in answer.warnings if "names no models of type" in words]
    assert [words for words in said if f"at best by {says}" in words] == said
    assert bool(said) is (says is not None)


def test_mlx_has_no_class_of_iquest_q1() -> None:
    with pytest.raises(UnsupportedError, match="iquest_q1"):
        asked(body("mlx", "apple-m4-max", {"hf_config": {"model_type": "iquest_q1"}}))


@pytest.mark.parametrize("engine", ["vllm", "sglang", "llama.cpp"])
def test_a_gpu_without_published_rates_has_a_memory_plan_and_no_estimate(engine: str) -> None:
    """Its chips are those of the engine's other ones: what lacks is a rate, which a memory plan does not need."""
    asked: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": "mi308x", "engine": engine}
    assert llm_calc.memory_plan(**asked).fits
    with pytest.raises(UnsupportedError, match=r"mi308x has no published dense rate .*peak_flops_per_s"):
        llm_calc.estimate(**asked, workload={"input_tokens": 10, "output_tokens": 10})
    with pytest.raises(UnsupportedError, match="no speed is known there"):
        operations.MODELS_FOR.answered({"hardware": {"gpu": "mi308x"}}, load_catalogs())
    with pytest.raises(UnsupportedError, match=f"{engine} .* does not run on cerebras-wse3"):
        llm_calc.memory_plan(model="llama-3.1-8b", hardware="cerebras-wse3", engine=engine)
