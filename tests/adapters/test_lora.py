"""Adapters of a request: memory by engine, refusals by field, and their work in times."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.core.errors import InvalidInputError, UnsupportedError

MODEL: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm"}
PAIRS = 2 * 4096 + 2 * (4096 + 1024) + 2 * 4096 + 3 * (4096 + 14336)
"""Inputs and outputs of q, k and v, o, gate, up and down of a layer of Llama-3.1-8B."""
CONFIG = {
    "peft_type": "LORA",
    "r": 16,
    "lora_alpha": 32,
    "target_modules": ["q_proj", "v_proj"],
    "bias": "none",
}


def planned(lora: dict[str, Any] | None, engine: str = "vllm", **fields: Any) -> MemoryPlanAnswer:
    return llm_calc.memory_plan(**{**MODEL, "engine": engine, "lora": lora} | fields)


def grown(lora: dict[str, Any], engine: str, **fields: Any) -> int:
    more, less = (planned(each, engine, **fields).per_gpu.weights_bytes for each in (lora, None))
    return int(more - less)


def test_vllm_reserves_all_matrices_table_and_head_whatever_an_adapter_changes() -> None:
    """Two places of rank 16 (its least default) for an adapter of rank 8 of two matrices."""
    numbers = 2 * 16 * (32 * PAIRS + 2 * (4096 + 128256))
    assert grown({"adapters": 2, "rank": 8, "target_modules": ["q_proj", "v_proj"]}, "vllm") == 2 * numbers
    answer = planned({"adapters": 2, "rank": 8, "target_modules": ["q_proj", "v_proj"]}).lora
    assert answer is not None
    assert answer.reserved_bytes == 2 * numbers
    assert answer.adapter_parameters == 8 * 32 * (2 * 4096 + 4096 + 1024)


def test_sglang_reserves_what_adapters_change() -> None:
    lora = {"adapters": 4, "adapter_config": CONFIG}
    assert grown(lora, "sglang") == 2 * 4 * 16 * 32 * (2 * 4096 + 4096 + 1024)
    answer = planned(lora, "sglang").lora
    assert answer is not None
    assert answer.host_bytes == 4 * answer.adapter_bytes


def test_less_is_left_to_the_cache() -> None:
    lora = {"adapters": 8, "rank": 64, "target_modules": "all-linear"}
    assert planned(lora).kv_cache_tokens < planned(None).kv_cache_tokens
    estimate = llm_calc.estimate(**MODEL, lora=lora, workload={"concurrency": 8})
    without = llm_calc.estimate(**MODEL, workload={"concurrency": 8})
    assert estimate.resolved.kv_capacity_tokens < without.resolved.kv_capacity_tokens


def test_times_hold_the_work_of_one_adapter() -> None:
    """Rank 64 at all matrices adds 168 million numbers to 7.5 thousand million: 2.2 % of what a step reads."""
    load = {"input_tokens": 1000, "output_tokens": 300, "concurrency": 4}
    lora = {"rank": 64, "target_modules": "all-linear"}
    slower, plain = (llm_calc.estimate(**MODEL, lora=each, workload=load) for each in (lora, None))
    assert 1.005 < slower.tpot_s / plain.tpot_s < 1.15
    assert slower.ttft_s > plain.ttft_s
    assert slower.basis.kind == "formula_only"
    assert slower.interval.status == "uncalibrated"
    assert slower.lora is not None
    assert slower.lora.flops_per_token == 2 * 64 * 32 * PAIRS
    assert any("launches and further adapters" in words for words in slower.assumptions)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"rank": 32, "max_rank": 16}, "lora.max_rank"),
    ({"rank": 8, "max_rank": 24}, "lora.max_rank"),
    ({"rank": 1000}, "lora.max_rank"),
    ({"target_modules": ["c_attn"]}, "lora.target_modules"),
    ({"adapters": 4, "cpu_adapters": 2}, "cpu_adapters"),
    ({"rank": 8, "adapter_config": CONFIG}, "adapter_config"),
    ({"adapter_config": {**CONFIG, "r": "16"}}, "lora.adapter_config.r"),
    ({"adapter_config": {**CONFIG, "peft_type": "IA3"}}, "lora.adapter_config.peft_type"),
    ({"adapter_config": {**CONFIG, "target_modules": "(a*)*(?<=b)"}}, "lora.adapter_config.target_modules"),
    ({"adapter_config": {"r": 8}}, "lora.adapter_config.target_modules"),
    (
        {"adapter_config": {**CONFIG, "layers_to_transform": "some"}},
        "lora.adapter_config.layers_to_transform",
    ),
    ({"adapter_config": {**CONFIG, "layers_to_transform": [100]}}, "lora.adapter_config.target_modules"),
    ({"adapter_config": {**CONFIG, "target_modules": "nothing.*"}}, "lora.adapter_config.target_modules"),
    ({"adapter_config": {**CONFIG, "exclude_modules": "model.*"}}, "lora.adapter_config.target_modules"),
    ({"adapter_config": {**CONFIG, "exclude_modules": "(a*)*(?<=b)"}}, "lora.adapter_config.exclude_modules"),
    (
        {"adapter_config": {**CONFIG, "target_modules": ".*q_proj", "layers_to_transform": [1]}},
        "lora.adapter_config.layers_to_transform",
    ),
    ({"adapter_config": {**CONFIG, "layers_pattern": "layers"}}, "lora.adapter_config.layers_pattern"),
    (
        {"adapter_config": {**CONFIG, "layers_to_transform": [1], "layers_pattern": "h"}},
        "lora.adapter_config.target_modules",
    ),
    ({"adapter_config": {**CONFIG, "use_dora": True}}, "lora.adapter_config.use_dora"),
    ({"adapter_config": {**CONFIG, "modules_to_save": ["lm_head"]}}, "lora.adapter_config.modules_to_save"),
    ({"adapter_config": {**CONFIG, "bias": "all"}}, "lora.adapter_config.bias"),
]


@pytest.mark.parametrize(("lora", "named"), REFUSED)
def test_what_cannot_be_is_refused_by_its_field(lora: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        planned(lora)
    assert named in error.value.message


def test_vllm_refuses_adapters_for_a_large_head() -> None:
    large = {
        "model_type": "llama",
        "hidden_size": 64,
        "intermediate_size": 160,
        "num_hidden_layers": 2,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "vocab_size": 262144,
        "max_position_embeddings": 128,
    }
    with pytest.raises(UnsupportedError, match="258048"):
        planned({"rank": 8}, model={"hf_config": large})


def test_what_is_not_counted_or_not_said_is_named() -> None:
    unread = {"bias": "all", "target_parameters": ["a"]}
    words = planned({"adapter_config": {**CONFIG, **unread}}, "sglang").assumptions
    assert any("lora.adapter_config.bias" in each for each in words)
    assert any("lora.adapter_config.target_parameters" in each for each in words)
    words = planned({}).assumptions
    assert any("lora.rank: 16 is taken" in each for each in words)
    assert any("lora.target_modules: all-linear is taken" in each for each in words)


@pytest.mark.parametrize("engine", ["trtllm", "llama.cpp", "generic"])
def test_other_engines_hold_adapters_as_they_are_and_say_so(engine: str) -> None:
    lora = {"adapters": 2, "adapter_config": CONFIG}
    words = planned(lora, engine).assumptions
    assert any(f"{engine}'s own buffers are not known" in each for each in words)
    if engine != "llama.cpp":
        assert grown(lora, engine) == 2 * 2 * 16 * 32 * (2 * 4096 + 4096 + 1024)


@pytest.mark.parametrize("draft", [{"draft": {"name": "qwen3-4b"}}, {"method": "eagle3"}])
def test_nothing_is_reserved_for_adapters_of_a_draft(draft: dict[str, Any]) -> None:
    """Adapters change the model that answers: memory grows by what the answer says is reserved, and no more."""
    lora = {"adapters": 8, "rank": 64, "target_modules": "all-linear"}
    drafted: dict[str, Any] = {"model": "qwen3-8b", "speculative": draft}
    answer = planned(lora, **drafted)
    more = answer.per_gpu.weights_bytes - planned(None, **drafted).per_gpu.weights_bytes
    assert answer.lora is not None
    assert more == answer.lora.reserved_bytes
    assert more == grown(lora, "vllm", model="qwen3-8b")


UNREAD: list[dict[str, Any]] = [
    {"arrow_config": {"top_k": 3}},
    {"alora_invocation_tokens": [1, 2]},
    {"use_bdlora": {"nblocks": 2}},
    {"whatever": 1},
    {"target_modules": ["q_proj", "w1"]},
    {"exclude_modules": ["w1"]},
    {"modules_to_save": ["norm"]},
    {"modules_to_save": ["lm_head"]},
]


@pytest.mark.parametrize("said", UNREAD)
def test_every_key_that_is_not_read_is_named(said: dict[str, Any]) -> None:
    words = planned({"adapter_config": {**CONFIG, **said}}, "sglang").assumptions
    assert any(f"lora.adapter_config.{next(iter(said))}" in each for each in words)


def test_a_published_file_has_no_word_of_idle_keys() -> None:
    """The keys that peft 0.21.2 writes of a plain adapter, at their defaults."""
    idle: dict[str, Any] = {
        "alpha_pattern": {}, "auto_mapping": None, "base_model_name_or_path": "meta-llama/Llama-3.1-8B",
        "corda_config": None, "eva_config": None, "exclude_modules": None, "fan_in_fan_out": False,
        "inference_mode": True, "init_lora_weights": True, "layer_replication": None, "layers_pattern": None,
        "layers_to_transform": None, "loftq_config": {}, "lora_bias": False, "lora_dropout": 0.05,
        "megatron_config": None, "megatron_core": "megatron.core", "modules_to_save": None, "peft_version": "0.21.2",
        "qalora_group_size": 16, "rank_pattern": {}, "revision": None, "target_parameters": None,
        "task_type": "CAUSAL_LM", "trainable_token_indices": None, "use_dora": False, "use_qalora": False,
        "use_rslora": False, "ensure_weight_tying": False, "use_bdlora": None, "arrow_config": None,
    }  # fmt: skip
    words = planned({"adapter_config": {**CONFIG, **idle}}).assumptions
    assert not any("adapter_config" in each for each in words)


def test_sglang_refuses_dora_as_well() -> None:
    with pytest.raises(UnsupportedError, match=r"lora\.adapter_config\.use_dora: sglang"):
        planned({"adapter_config": {**CONFIG, "use_dora": True}}, "sglang")


@pytest.mark.parametrize(("adapters", "words"), [(1, "1 adapter of rank 16"), (2, "2 adapters of rank 16")])
def test_one_adapter_is_one(adapters: int, words: str) -> None:
    found = llm_calc.memory_plan(
        model="llama-3.1-8b",
        hardware="h100-80gb-sxm",
        engine="sglang",
        lora={"rank": 16, "adapters": adapters},
    )
    assert any(f"SGLang reserves {words} " in word for word in found.assumptions)
