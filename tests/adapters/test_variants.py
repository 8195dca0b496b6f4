"""Names of published variants: the model and the format that they say."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.variants import published
from llm_calc.core.errors import InvalidInputError, UnknownNameError


@pytest.mark.parametrize(
    ("typed", "model", "weights", "repository"),
    [
        ("llama3.3:70b-instruct-q4_K_M", "llama-3.3-70b", "q4_k_m", None),
        ("ollama run qwen3:8b-q8_0", "qwen3-8b", "q8_0", None),
        ("hf.co/bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M", "qwen2.5-7b", "q4_k_m", None),
        ("mradermacher/Qwen3-8B-i1-GGUF:IQ4_XS", "qwen3-8b", "iq4_xs", None),
        ("Qwen3-8B-Q4_K_M.gguf", "qwen3-8b", "q4_k_m", None),
        ("Meta-Llama-3.1-8B-Instruct.Q5_K_M-00001-of-00002.gguf", "llama-3.1-8b", "q5_k_m", None),
        (
            "https://huggingface.co/unsloth/Qwen3-8B-GGUF?show_file_info=Qwen3-8B-Q6_K.gguf",
            "qwen3-8b",
            "q6_k",
            None,
        ),
        ("gemma-3-27b-it-q4_0-gguf", "gemma-3-27b", "q4_0", None),
        ("Qwen/Qwen3-8B-AWQ", "qwen3-8b", "int4-awq", "Qwen/Qwen3-8B-AWQ"),
        (
            "https://huggingface.co/Qwen/Qwen3-32B-AWQ/tree/main",
            "qwen3-32b",
            "int4-awq",
            "Qwen/Qwen3-32B-AWQ",
        ),
        ("llama 3.1 8b awq", "llama-3.1-8b", "int4-awq", None),
        (
            "unsloth/Llama-3.3-70B-Instruct-bnb-4bit",
            "llama-3.3-70b",
            "nf4",
            "unsloth/Llama-3.3-70B-Instruct-bnb-4bit",
        ),
        (
            "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
            "llama-3.3-70b",
            "fp8",
            "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
        ),
        ("nvidia/DeepSeek-R1-NVFP4", "deepseek-r1", "nvfp4", "nvidia/DeepSeek-R1-NVFP4"),
        ("mlx-community/Qwen3-8B-4bit", "qwen3-8b", "mlx-4bit", "mlx-community/Qwen3-8B-4bit"),
        (
            "lmstudio-community/Qwen3-8B-MLX-8bit",
            "qwen3-8b",
            "mlx-8bit",
            "lmstudio-community/Qwen3-8B-MLX-8bit",
        ),
        ("TheBloke/Llama-2-7B-GPTQ", "llama2-7b", "int4-gptq", "TheBloke/Llama-2-7B-GPTQ"),
    ],
)
def test_a_name_says_its_model_and_its_format(
    typed: str, model: str, weights: str, repository: str | None
) -> None:
    found = published(load_catalogs(), typed)
    assert found.variant is not None
    assert (found.entry.name, found.variant.weights) == (model, weights)
    assert found.variant.repository == repository


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("unsloth/Qwen3-8B-GGUF:UD-Q4_K_XL", "a mixture that its publisher chose tensor by tensor"),
        ("Qwen3-4B-Thinking-0101-AWQ", "give 'qwen3-4b'"),  # another release, of another context perhaps
        ("nobody/Never-Heard-8B-AWQ", "its config.json as hf_config"),
    ],
)
def test_a_name_that_leaves_model_or_format_open_is_refused(typed: str, says: str) -> None:
    with pytest.raises(UnknownNameError) as refused:
        published(load_catalogs(), typed)
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("typed", "model", "weights", "give"),
    [
        ("unsloth/gpt-oss-20b-GGUF", "gpt-oss-20b", "mxfp4_moe", "the kind of the file, such as q4_k_m"),
        ("unsloth/Qwen3-8B-GGUF", "qwen3-8b", "f16", "the kind of the file, such as q4_k_m"),
        ("llama-3.3-70b-q4", "llama-3.3-70b", "q4_k_s", "the kind of the file, such as q4_k_m"),
        ("somebody/Qwen3-8B-4bit", "qwen3-8b", "mlx-4bit", "'mlx-4bit'"),  # of bitsandbytes or of MLX
        ("Qwen3-8B-int4", "qwen3-8b", "int4-gptq", "int4-awq or int4-gptq"),
    ],
)
def test_a_name_of_files_in_several_formats_wants_one(
    typed: str, model: str, weights: str, give: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        llm_calc.inspect_model(model=typed)
    assert refused.value.field == "precision.weights"
    assert f"stands for files of several formats of {model}; give {give}" in refused.value.message
    named = llm_calc.inspect_model(model=typed, precision=weights)
    stated = llm_calc.inspect_model(model=model, precision=weights)
    assert named.weights_bytes == stated.weights_bytes
    assert (named.confidence, stated.confidence) == ("approximate", "exact")
    assert any(f"is taken for {model}; its files were not read" in line for line in named.assumptions)


@pytest.mark.parametrize(
    ("typed", "weights"),
    [
        ("unsloth/gpt-oss-20b-GGUF", "fp8"),
        ("somebody/Qwen3-8B-4bit", "bf16"),
        ("llama-3.1-8b-4bit", "fp8"),
        ("llama-3.1-8b-4bit", "q4_k_m"),
        ("llama-3.1-8b-int4", "fp8"),
        ("llama-3.1-8b-int4", "nvfp4"),  # four bits of floating point
        ("llama-3.1-8b-8bit", "int4-awq"),
        ("llama-3.1-8b-6bit", "mlx-8bit"),
        ("llama-3.1-8b-mlx", "fp8"),
        ("llama-3.1-8b-q4", "q8_0"),
        ("llama-3.1-8b-q4", "f16"),
        ("llama-3.1-8b-q5", "q4_k_m"),
    ],
)
def test_files_of_one_kind_hold_no_other_formats(typed: str, weights: str) -> None:
    with pytest.raises(InvalidInputError, match="stands for files of several formats"):
        llm_calc.inspect_model(model=typed, precision=weights)


@pytest.mark.parametrize(
    ("typed", "weights"),
    [
        ("llama-3.1-8b-4bit", "nf4"),  # of bitsandbytes
        ("llama-3.1-8b-8bit", "int8"),
        ("llama-3.1-8b-mlx", "mlx-3bit"),
        ("llama-3.1-8b-q3", "iq3_m"),  # 3.25 bits beside the scales
        ("llama-3.1-8b-gguf", "iq2_m"),
        ("llama-3.1-8b-gguf", "f16"),
    ],
)
def test_files_of_one_kind_hold_each_format_of_their_bits(typed: str, weights: str) -> None:
    named = llm_calc.inspect_model(model=typed, precision=weights)
    assert (
        named.weights_bytes == llm_calc.inspect_model(model="llama-3.1-8b", precision=weights).weights_bytes
    )


def test_which_kind_fits_is_asked_of_all_kinds() -> None:
    named = llm_calc.plan(model="unsloth/Qwen3-8B-GGUF", engines=["llama.cpp"], gpus=["rtx-4090"])
    assert {each.precision.weights for each in named.plans} == {
        each.precision.weights
        for each in llm_calc.plan(model="qwen3-8b", engines=["llama.cpp"], gpus=["rtx-4090"]).plans
    }


def test_a_name_of_the_catalog_is_no_variant() -> None:
    assert published(load_catalogs(), "Qwen/Qwen3-8B-FP8").variant is None


def test_an_answer_says_what_was_taken_and_is_no_longer_exact() -> None:
    named = llm_calc.inspect_model(model="Qwen/Qwen3-8B-AWQ")
    stated = llm_calc.inspect_model(model="qwen3-8b", precision="int4-awq")
    assert named.weights_bytes == stated.weights_bytes
    assert (named.confidence, stated.confidence) == ("approximate", "exact")
    assert any("taken for qwen3-8b with weights in int4-awq" in line for line in named.assumptions)


def test_sixteen_bits_leave_nothing_open() -> None:
    named = llm_calc.inspect_model(model="llama3.1:8b-instruct-fp16")
    assert named.confidence == "exact"
    assert any("with weights in fp16, as its name says" in line for line in named.assumptions)


def test_a_format_that_contradicts_the_name_is_refused() -> None:
    with pytest.raises(InvalidInputError) as refused:
        llm_calc.estimate(model="Qwen/Qwen3-8B-AWQ", precision="bf16", hardware="l4")
    assert refused.value.field == "precision.weights"
    assert "'bf16' contradicts model.name 'Qwen/Qwen3-8B-AWQ'" in refused.value.message


def test_a_format_of_the_same_kind_refines_the_name() -> None:
    named = llm_calc.inspect_model(model="RedHatAI/Qwen3-32B-FP8-dynamic", precision="fp8-channel")
    assert (
        named.weights_bytes
        == llm_calc.inspect_model(model="qwen3-32b", precision="fp8-channel").weights_bytes
    )


@pytest.mark.parametrize(
    ("model", "hardware", "engine"),
    [
        ("llama3.1:8b-instruct-q4_K_M", "rtx-4090", "llama.cpp"),
        ("mlx-community/Qwen3-8B-4bit", "m4 max 64gb", "mlx"),
        ("Qwen/Qwen3-8B-AWQ", "rtx-4090", "vllm"),
    ],
)
def test_files_of_an_engine_are_answered_for_it_where_none_is_named(
    model: str, hardware: str, engine: str
) -> None:
    found = llm_calc.estimate(model=model, hardware=hardware)
    assert found.engine.name == engine
    assert any(line.startswith("engine: not named") for line in found.assumptions) == (engine != "vllm")


def test_a_plan_of_a_variant_starts_the_variant() -> None:
    limits = {"ttft_s": 2.0, "tpot_s": 0.05, "max_gpus": 2}
    workload = {"input_tokens": 500, "output_tokens": 100, "request_rate": 0.5}
    asked: Any = {"workload": workload, "limits": limits, "gpus": ["l40s"]}
    first = llm_calc.plan(model="Qwen/Qwen3-8B-AWQ", engines=["vllm"], **asked).plans[0]
    assert "vllm serve Qwen/Qwen3-8B-AWQ" in first.launch_command
    assert first.precision.weights == "int4-awq"
    file = llm_calc.plan(model="qwen3:8b-q4_K_M", engines=["llama.cpp"], **asked).plans[0]
    assert "q4_k_m.gguf" in file.launch_command
    with pytest.raises(InvalidInputError, match=r"contradicts model\.name"):
        llm_calc.plan(model="Qwen/Qwen3-8B-AWQ", formats=["fp8"], engines=["vllm"], **asked)


def test_a_table_of_files_has_the_kind_that_the_name_says() -> None:
    rows = llm_calc.fit(model="qwen3:8b-q4_K_M", hardware="rtx-4090", context_tokens=8192).rows
    assert {row.weights for row in rows} == {"q4_k_m"}


def test_a_table_of_files_is_refused_for_a_name_of_another_format() -> None:
    with pytest.raises(InvalidInputError, match="name 'qwen3-8b' for those of its GGUF files"):
        llm_calc.fit(model="Qwen/Qwen3-8B-AWQ", hardware="rtx-4090")


def test_a_plan_says_that_no_engine_asked_for_runs_what_the_name_says() -> None:
    workload = {"input_tokens": 500, "output_tokens": 100, "request_rate": 0.5}
    with pytest.raises(InvalidInputError, match="none of the engines asked for runs q4_k_m"):
        llm_calc.plan(model="qwen3:8b-q4_K_M", workload=workload, limits={"ttft_s": 2.0}, engines=["vllm"])


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("glm air", "glm-4.5-air"),
        ("qwen 30b", "qwen3-30b-a3b"),
        ("qwen coder 30b", "qwen3-30b-a3b"),
    ],
)
def test_a_name_that_leaves_its_version_open_is_told(said: str, name: str) -> None:
    found = published(load_catalogs(), said)
    assert found.entry.name == name
    assert found.taken is not None
    assert found.taken.startswith(f"model.name: {said!r} is taken for {name}")


def test_a_name_of_two_sizes_is_asked_about() -> None:
    with pytest.raises(UnknownNameError, match=r"deepseek-v4\.1-flash 749, deepseek-v4-flash 284"):
        published(load_catalogs(), "deepseek flash")


def test_the_others_of_the_name_are_told() -> None:
    taken = str(published(load_catalogs(), "llama 70b").taken)
    assert "llama-3.3-70b" in taken
    assert "the newest of the name; others: llama-3.1-70b, llama-3-70b, llama2-70b" in taken
    assert "there are also mistral-small-4-119b" in str(published(load_catalogs(), "mistral small").taken)
    for exact in ("llama-3.3-70b", "meta-llama/Llama-3.3-70B-Instruct", "llama3.3:70b", "qwen-14b"):
        assert published(load_catalogs(), exact).taken is None


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("gpt oss", ["gpt-oss-20b", "gpt-oss-120b"]),
        ("glm flash", ["glm-5.3-flash", "glm-4.7-flash", "glm-4.6v-flash"]),
    ],
)
def test_a_name_of_several_sizes_is_refused_with_all_of_them(said: str, names: list[str]) -> None:
    with pytest.raises(
        UnknownNameError, match=r"it may mean each of these; name one \(10\^9 parameters: "
    ) as refused:
        published(load_catalogs(), said)
    assert sorted(refused.value.nearest) == sorted(names)


def test_a_format_may_follow_such_a_name() -> None:
    found = published(load_catalogs(), "llama 70b awq")
    assert found.variant is not None
    assert (found.entry.name, found.variant.weights) == ("llama-3.3-70b", "int4-awq")
    assert found.taken is not None


GGUF = "bartowski/Llama-3.1-8B-Instruct-GGUF"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (GGUF, f"llama-server --hf-repo {GGUF}:Q4_K_M "),
        (
            "hf.co/bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M",
            "--hf-repo bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M ",
        ),
        ("unsloth/gemma-3-12b-it-GGUF", "--hf-repo unsloth/gemma-3-12b-it-GGUF:Q4_K_M --no-mmproj "),
        ("models/Qwen3-8B-Instruct.Q4_K_M.gguf", "--model models/Qwen3-8B-Instruct.Q4_K_M.gguf "),
        ("llama3.1:8b-instruct-q4_K_M", "--model Llama-3.1-8B-Instruct-q4_k_m.gguf "),
        ("qwen3:8b-instruct-q4_K_M", "--model qwen3-8b-instruct-q4_k_m.gguf "),
        ("llama-3.1-8b-instruct-q4", "--model Llama-3.1-8B-Instruct-q4_k_m.gguf "),
    ],
)
def test_a_plan_of_gguf_files_loads_those_that_the_name_says(typed: str, says: str) -> None:
    found = llm_calc.plan(model=typed, formats=["q4_k_m"], gpus=["l40s"], manifests=["kubernetes"])
    assert {each.engine.name for each in found.plans} == {"llama.cpp"}
    for plan in found.plans:
        assert says in plan.launch_command
        named = "has to be at hand" if "--model" in says else "was not looked up"
        assert any(named in line for line in plan.notes)


def test_a_plan_of_gguf_files_is_for_engines_that_load_them() -> None:
    assert {each.engine.name for each in llm_calc.plan(model=GGUF, gpus=["l40s"]).plans} == {"llama.cpp"}
    for formats in (None, ["bf16"]):
        with pytest.raises(
            InvalidInputError, match="none of the engines asked for loads files of the kind"
        ) as refused:
            llm_calc.plan(model=GGUF, formats=formats, gpus=["l40s"], engines=["vllm"])
        assert refused.value.field == "model.name"
    with pytest.raises(InvalidInputError, match="stands for files of several formats") as refused:
        llm_calc.plan(model=GGUF, formats=["q4_k_m", "fp8"], gpus=["l40s"])
    assert refused.value.field == "formats"


def test_a_cluster_loads_gguf_files_from_their_repository() -> None:
    found = llm_calc.plan(model=GGUF, formats=["q4_k_m"], gpus=["l40s"], manifests=["kubernetes"]).plans[0]
    assert found.manifests is not None
    objects: Any = found.manifests["kubernetes"]
    pod = objects[1]["spec"]["template"]["spec"]["containers"][0]
    assert pod["args"][:2] == ["--hf-repo", f"{GGUF}:Q4_K_M"]


def test_a_plan_of_int4_files_looks_at_the_formats_that_they_may_have() -> None:
    found = llm_calc.plan(model="Qwen/Qwen3-8B-int4", engines=["vllm", "llama.cpp"], gpus=["l40s"])
    assert {each.precision.weights for each in found.plans} == {"int4-awq", "int4-gptq"}
    for plan in found.plans:
        assert plan.launch_command.startswith("vllm serve Qwen/Qwen3-8B-int4 ")
        assert "--quantization" not in plan.launch_command
    bare = llm_calc.plan(model="qwen3-8b-int4", engines=["vllm"], formats=["int4-gptq"], gpus=["l40s"]).plans[
        0
    ]
    assert "vllm serve Qwen3-8B-int4-gptq " in bare.launch_command
