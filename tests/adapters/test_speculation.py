"""Speculative decoding: what is accepted, what proposing costs, what it takes of memory."""

from typing import Any, get_args

import pytest

import llm_calc
from llm_calc.adapters.acceptance import load_acceptances
from llm_calc.adapters.prediction_layers import load_mtp, prediction_layers
from llm_calc.adapters.runs_on_drafts import check_draft, draft_methods
from llm_calc.adapters.speculation import true_warnings
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.adapters.wire.speculative import Method
from llm_calc.core.architectures.notes import WITHOUT_PREDICTION
from llm_calc.core.errors import InvalidInputError, UnsupportedError

LOAD = {"input_tokens": 1000, "output_tokens": 400, "concurrency": 4}
LARGE = {"model": "deepseek-v4-pro", "hardware": "8x b300-288gb", "parallelism": {"tensor": 8}}

PREDICTING = {
    "hf_config": {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "torch_dtype": "bfloat16",
        "num_nextn_predict_layers": 1,
    }
}
"""Llama-3.1-8B as if it had been published with a layer for speculation."""


def asked(speculative: dict[str, Any] | None, **fields: Any) -> ServingEstimateAnswer:
    return llm_calc.estimate(
        **{"model": PREDICTING, "hardware": "h100-80gb-sxm", "workload": LOAD, "speculative": speculative}
        | fields
    )


def memory(speculative: dict[str, Any] | None) -> MemoryPlanAnswer:
    return llm_calc.memory_plan(
        model=PREDICTING, hardware="h100-80gb-sxm", workload=LOAD, speculative=speculative
    )


@pytest.mark.parametrize("method", [None, "mtp", "eagle", "eagle3", "ngram", "draft_model"])
@pytest.mark.parametrize("tokens", [1, 3, 8])
@pytest.mark.parametrize("concurrency", [1, 4, 64])
def test_a_draft_that_is_never_accepted_is_never_faster(
    method: str | None, tokens: int, concurrency: int
) -> None:
    load = {**LOAD, "concurrency": concurrency}
    plain = asked(None, workload=load)
    for nothing in ({"acceptance_fraction": 0.0}, {"acceptance_length": 1.0}):
        drafted = asked({"method": method, "draft_tokens": tokens, **nothing}, workload=load)
        assert drafted.tpot_s >= plain.tpot_s * (1 - 1e-9)


def test_measured_lengths_are_taken_where_there_are_any() -> None:
    table = load_acceptances()
    assert table["kimi-k2.5", "eagle3", "on", 3].acceptance_length == 2.88
    assert table["deepseek-v4-pro", "mtp", "off", 3].acceptance_length == 2.97
    measured = asked({"draft_tokens": 3, "reasoning": "off"}, **LARGE)
    stated = asked({"draft_tokens": 3, "method": "mtp", "acceptance_length": 2.97}, **LARGE)
    assert measured.tpot_s == stated.tpot_s
    assert any("2.97 tokens a step with mtp, as measured" in words for words in measured.assumptions)


def test_a_stated_acceptance_overrides() -> None:
    low, high = (
        asked({"draft_tokens": 3, "acceptance_fraction": share}, **LARGE).tpot_s for share in (0.2, 0.9)
    )
    assert high < asked({"draft_tokens": 3}, **LARGE).tpot_s < low


def test_what_was_not_stated_is_named() -> None:
    words = asked({}).assumptions
    assert any("speculative.acceptance_fraction: 0.7 is assumed" in each for each in words)
    assert any("speculative.draft_cost_fraction: 0.05" in each for each in words)
    assert any("are not counted" in each for each in words)


def test_layers_of_a_draft_take_memory() -> None:
    """A layer of Llama-3.1-8B has 218,112,000 parameters, what joins it 2 x 4096 x 4096; its cache is a 32nd."""
    plain, drafted, looked_up = memory(None), memory({"method": "mtp"}), memory({"method": "ngram"})
    more = drafted.per_gpu.weights_bytes - plain.per_gpu.weights_bytes
    assert more == (218_112_000 + 2 * 4096**2 + 3 * 4096) * 2
    assert drafted.per_gpu.kv_cache_bytes_per_token == pytest.approx(
        plain.per_gpu.kv_cache_bytes_per_token * 33 / 32
    )
    assert drafted.kv_cache_tokens < plain.kv_cache_tokens
    assert looked_up.kv_cache_tokens == plain.kv_cache_tokens
    assert asked({"method": "mtp"}).resolved.kv_capacity_tokens < asked(None).resolved.kv_capacity_tokens


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"method": "medusa"}, "speculative.method"),
        ({"acceptance_fraction": 0.5, "acceptance_length": 2.0}, "exclude each other"),
        ({"draft_tokens": 2, "acceptance_length": 3.5}, "at most draft_tokens"),
    ],
)
def test_what_cannot_be_is_refused(part: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named.replace(".", r"\.")):
        asked(part)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "qwen3-8b", "kimi-k2.5", "gpt-oss-20b"])
def test_layers_that_a_model_does_not_have_propose_nothing(model: str) -> None:
    part = {"method": "mtp", "acceptance_fraction": 0.9}
    hardware = {"gpu": "h200-141gb-sxm", "count": 8}
    with pytest.raises(UnsupportedError, match=r"speculative\.method: mtp needs layers") as error:
        asked(part, model=model, hardware=hardware)
    assert "eagle, eagle3, ngram, draft_model" in error.value.message
    with pytest.raises(UnsupportedError, match=r"speculative\.method"):
        llm_calc.memory_plan(model=model, hardware=hardware, speculative=part)


CONFIGS: list[tuple[dict[str, Any], bool, int | None]] = [
    ({"model_type": "deepseek_v3", "num_nextn_predict_layers": 1}, True, 1),
    ({"model_type": "kimi_k2", "text_config": {"num_nextn_predict_layers": 0}}, True, 0),
    ({"model_type": "qwen3_5", "text_config": {"mtp_num_hidden_layers": 1}}, True, 1),
    ({"model_type": "inkling_mm_model", "mtp_config": {"num_nextn_predict_layers": 3}}, True, 3),
    ({"model_type": "qwen3_next"}, True, 1),
    ({"model_type": "glm4_moe", "num_nextn_predict_layers": None}, True, 0),
    ({"model_type": "glm4_moe", "num_nextn_predict_layers": True}, True, 0),
    ({"model_type": "hy_v3"}, False, None),
    ({"model_type": "llama"}, False, 0),
    (
        {"model_type": "llama", "num_nextn_predict_layers": 1},
        True,
        None,
    ),  # its class has none, vLLM drafts with none
    ({}, True, 0),
]


@pytest.mark.parametrize(("config", "whole", "layers"), CONFIGS)
def test_layers_are_those_that_a_configuration_names(
    config: dict[str, Any], whole: bool, layers: int | None
) -> None:
    assert prediction_layers(config, whole=whole) == layers


def test_kinds_of_models_with_layers_are_named_once_with_their_source() -> None:
    table = load_mtp()
    assert len(set(table.kinds)) == len(table.kinds)
    assert {row.model_type for row in table.published} <= set(table.kinds)
    assert all("@" in row.source for row in table.published)


def test_a_gain_that_nobody_measured_is_warned_of() -> None:
    warned = "rests on an assumed acceptance"
    assert any(warned in each for each in asked({"method": "mtp"}).warnings)
    assert not any(warned in each for each in asked({"method": "mtp", "acceptance_length": 2.0}).warnings)
    assert not any(warned in each for each in asked({"draft_tokens": 3}, **LARGE).warnings)


def test_a_look_up_of_n_grams_is_accepted_less_than_a_draft() -> None:
    """1.62 tokens a step with three proposals; Spec-Bench measured 1.55 to 1.74."""
    looked_up = asked({"method": "ngram"})
    assert any("speculative.acceptance_fraction: 0.4 is assumed" in words for words in looked_up.assumptions)
    assert asked({"method": "eagle3"}).tpot_s < looked_up.tpot_s < asked(None).tpot_s


def test_what_speculation_is_told_in_vain_is_named() -> None:
    words = asked({"reasoning": "off"}).assumptions
    assert any("speculative.reasoning: changes nothing here" in each for each in words)
    assert any("speculative.method: none is named" in each for each in words)
    kept = memory({"draft_tokens": 4}).assumptions
    assert "speculative.draft_tokens: changes nothing of the memory" in kept
    assert any("speculative.method: none is named" in each for each in kept)


def test_layers_that_speculation_holds_are_not_called_left_out() -> None:
    warned = ("model: " + WITHOUT_PREDICTION, "another")
    assert true_warnings(warned, 1) == ("another",)
    assert true_warnings(warned, 0) == warned


def planned(
    model: str, engine: str | dict[str, Any], speculative: dict[str, Any] | None, **fields: Any
) -> MemoryPlanAnswer:
    return llm_calc.memory_plan(
        **{"model": model, "hardware": "h100-80gb-sxm", "engine": engine, "speculative": speculative} | fields
    )


def grown(model: str, engine: str, speculative: dict[str, Any], **fields: Any) -> tuple[float, float]:
    """Bytes of weights and of a token that a draft adds."""
    without, with_it = planned(model, engine, None, **fields), planned(model, engine, speculative, **fields)
    weights = with_it.per_gpu.weights_bytes - without.per_gpu.weights_bytes
    return weights, with_it.per_gpu.kv_cache_bytes_per_token - without.per_gpu.kv_cache_bytes_per_token


HEAD_OF_LLAMA = {
    "architectures": ["LlamaForCausalLMEagle3"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 1,
    "vocab_size": 128256,
    "draft_vocab_size": 32000,
}
"""As SpecForge's configs/llama3-8B-eagle3.json describes it."""


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "generic"])
@pytest.mark.parametrize("draft", [None, HEAD_OF_LLAMA])
def test_an_eagle3_head_takes_what_the_published_file_has(engine: str, draft: dict[str, Any] | None) -> None:
    """Queries, keys, values (8192 in), output, feed-forward, three features, head, four norms, 64-bit ids."""
    qkvo = 8192 * (4096 + 2 * 1024) + 4096 * 4096
    numbers = qkvo + 3 * 4096 * 14336 + 3 * 4096 * 4096 + 4096 * 32000 + 4 * 4096
    part: dict[str, Any] = {"method": "eagle3"} | ({"draft": {"hf_config": draft}} if draft else {})
    assert grown("llama-3.1-8b", engine, part) == (2 * numbers + 8 * 32000, 4096)


def test_an_eagle_head_shares_table_and_head() -> None:
    """One layer without its first norm and a matrix that joins token and feature."""
    layer = (2 * 4096 + 2 * 1024) * 4096 + 3 * 4096 * 14336 + 4096
    assert grown("llama-3.1-8b", "vllm", {"method": "eagle"}) == (2 * (layer + 2 * 4096**2), 4096)


@pytest.mark.parametrize(("tensor", "cut"), [(1, 1), (2, 2), (4, 4)])
def test_a_draft_model_takes_its_weights_and_its_cache(tensor: int, cut: int) -> None:
    """Llama-3.2-1B: 1,235,814,400 numbers, 16 layers of 8 KV heads of 64; norms are whole on every GPU."""
    hardware = {"gpu": "h200-141gb-sxm", "count": tensor}
    part = {"method": "draft_model", "draft": {"name": "llama-3.2-1b"}}
    weights, cache = grown("llama-3.1-70b", "vllm", part, hardware=hardware, precision={"weights": "fp8"})
    norms = 33 * 2048
    table = 131072 * 64 * 2  # its heads are narrower than the model's, so that sines of its own are kept
    assert weights == pytest.approx(2 * ((1_235_814_400 - norms) / cut + norms) + table, abs=8)
    assert cache == 2 * 16 * 8 * 64 * 2 / cut


@pytest.mark.parametrize(
    ("engine", "version", "refused"),
    [
        ("vllm", None, True),
        ("vllm", "0.15.1", True),
        ("sglang", None, True),
        ("sglang", "0.5.15", True),
        ("sglang", "0.5.14", False),
        ("trtllm", None, False),
        ("llama.cpp", None, False),
    ],
)
def test_a_draft_of_another_vocabulary_is_refused_where_the_release_does(
    engine: str, version: str | None, refused: bool
) -> None:
    """Qwen2.5 pads its vocabulary to 152064 rows from 7B on and to 151936 below (their config.json)."""
    request: dict[str, Any] = {
        "model": "qwen2.5-7b",
        "hardware": "h100-80gb-sxm",
        "engine": {"name": engine, **({"version": version} if version else {})},
        "speculative": {"method": "draft_model", "draft": {"name": "qwen2.5-0.5b"}},
    }
    if refused:
        with pytest.raises(UnsupportedError, match=r"has 151936 tokens and the model 152064; .* give one of"):
            llm_calc.memory_plan(**request)
    else:
        said = llm_calc.memory_plan(**request).assumptions
        assert any("it has 151936 tokens and the model 152064" in words for words in said)


def test_sglang_takes_layers_of_a_draft_for_as_large_as_the_models() -> None:
    """Its pool grows by draft layers / layers: 16 of 80 of Llama-3.1-70B's, twice as wide as the draft's own."""
    part = {"method": "draft_model", "draft": {"name": "llama-3.2-1b"}}
    hardware = {"gpu": "h200-141gb-sxm", "count": 4}
    assert grown("llama-3.1-70b", "sglang", part, hardware=hardware)[1] == 327_680 / 4 * 16 / 80


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"method": "eagle3", "draft": {"name": "llama-3.2-1b"}}, "speculative.draft"),
        ({"method": "ngram", "draft": {"name": "llama-3.2-1b"}}, "speculative.draft"),
        ({"method": "draft_model", "draft": {"name": "lama-3.2-1b"}}, "speculative.draft.name"),
        (
            {"draft": {"hf_config": {"architectures": ["LlamaForCausalLMEagle3"]}}},
            "speculative.draft.hf_config",
        ),
        ({"draft": {"hf_config": {**HEAD_OF_LLAMA, "kv_lora_rank": 512}}}, "hf_config.kv_lora_rank"),
        ({"draft": {"hf_config": {**HEAD_OF_LLAMA, "hidden_size": "4096"}}}, "hf_config.hidden_size"),
    ],
)
def test_a_draft_that_cannot_be_read_is_refused_by_its_field(part: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        planned("llama-3.1-8b", "vllm", part)
    assert named in error.value.message
    assert str(error.value.field).startswith("speculative.draft")


@pytest.mark.parametrize(
    ("changed", "key", "accepted"),
    [
        ({"hidden_size": 1024, "target_hidden_size": 5120}, "target_hidden_size", [4096]),
        ({"hidden_size": 1024}, "target_hidden_size", [4096]),
        ({"vocab_size": 50000}, "vocab_size", [128256]),
        ({"vocab_size": 151936}, "vocab_size", [128256]),
        ({"draft_vocab_size": 200_000}, "draft_vocab_size", None),
        ({"architectures": ["EagleLlamaForCausalLM"], "hidden_size": 2048}, "hidden_size", [4096]),
    ],
)
def test_a_head_of_another_model_is_refused(changed: dict[str, Any], key: str, accepted: Any) -> None:
    """Llama-3.1-8B is 4096 wide and has 128,256 tokens."""
    with pytest.raises(InvalidInputError) as error:
        planned("llama-3.1-8b", "vllm", {"draft": {"hf_config": HEAD_OF_LLAMA | changed}})
    assert error.value.field == f"speculative.draft.hf_config.{key}"
    assert error.value.details.get("accepted") == accepted


@pytest.mark.parametrize(
    ("changed", "measured"),
    [
        ({}, True),
        ({"rope_theta": 500000.0, "torch_dtype": "float16"}, True),
        ({"intermediate_size": 8192}, False),
        ({"num_hidden_layers": 2}, False),
        ({"draft_vocab_size": 16000}, False),
        ({"hidden_size": 1024, "target_hidden_size": 4096}, False),
    ],
)
def test_what_was_measured_is_of_the_published_head_alone(changed: dict[str, Any], measured: bool) -> None:
    part = {"draft": {"hf_config": HEAD_OF_LLAMA | changed}}
    found = asked(part, model="llama-3.1-8b")
    words = [each for each in found.assumptions if "as measured on coding prompts" in each]
    assert bool(words) is measured
    other = [each for each in found.assumptions if "another head than the published" in each]
    assert bool(other) is not measured
    assert any("assumed acceptance" in each for each in found.warnings) is not measured
    if not measured:
        stated = asked(part | {"acceptance_fraction": 0.7}, model="llama-3.1-8b")
        assert found.tpot_s == stated.tpot_s


def test_a_head_of_a_model_whose_measured_head_is_not_known_is_no_measured_one() -> None:
    """Kimi-K2.5's was measured, and its dimensions are in no catalog."""
    head = HEAD_OF_LLAMA | {"hidden_size": 7168, "vocab_size": 163840}
    fields: dict[str, Any] = {"model": "kimi-k2.5", "hardware": "8x b300-288gb", "parallelism": {"tensor": 8}}
    words = asked({"draft": {"hf_config": head}}, **fields).assumptions
    assert not any("as measured on" in each for each in words)
    assert any("as measured" in each for each in asked({"method": "eagle3"}, **fields).assumptions)


def test_what_a_draft_is_follows_from_its_configuration() -> None:
    asked_so = {"draft": {"hf_config": {**HEAD_OF_LLAMA, "unheard_of": 3}}}
    words = planned("llama-3.1-8b", "vllm", asked_so).assumptions
    assert any("an EAGLE-3 head of 424.8 million" in each for each in words)
    assert any("speculative.draft.hf_config.unheard_of" in each for each in words)
    assert not any("speculative.method" in each for each in words)


def llama_plan(draft: str | None) -> MemoryPlanAnswer:
    part = None if draft is None else {"method": "draft_model", "draft": {"name": draft}}
    options = {"name": "llama.cpp", "n_ctx": 8192, "n_parallel": 1}
    return planned("llama-3.1-8b", options, part)


def test_llama_cpp_loads_a_draft_with_cells_of_its_own() -> None:
    """Llama-3.2-1B: 1,235,814,400 numbers, 16 layers of 8 KV heads of 64, keys and values in 16 bits."""
    plain, drafting = llama_plan(None).per_gpu, llama_plan("llama-3.2-1b").per_gpu
    norms = 33 * 2048 * 2  # which GGUF files keep in 32 bits: two bytes more than 16
    assert drafting.weights_bytes - plain.weights_bytes == pytest.approx(2 * 1_235_814_400, abs=norms)
    cells = 8192 * 16 * 2 * 8 * 64 * 2
    buffers = drafting.activation_peak_bytes - plain.activation_peak_bytes - cells
    assert 0 < buffers < 0.3e9  # logits of 128256 tokens and activations of a micro-batch of 512, in 32 bits
    assert drafting.kv_cache_bytes == plain.kv_cache_bytes


def test_llama_cpp_fits_no_draft_that_is_larger_than_the_memory() -> None:
    """Llama-3.3-70B: 70,553,706,496 numbers, of which the table (128256 x 8192) stays with the host; 2 bytes each."""
    assert llama_plan(None).fits
    found = llama_plan("llama-3.3-70b")
    assert not found.fits
    assert f"weights of {2 * (70_553_706_496 - 128256 * 8192) / 2**30:.2f} GiB" in found.reason
    assert any("the draft is loaded beside the model" in each for each in found.assumptions)


def test_a_draft_takes_room_from_the_requests_of_an_estimate() -> None:
    part = {"method": "draft_model", "draft": {"name": "llama-3.2-1b"}, "acceptance_fraction": 0.6}
    fields: dict[str, Any] = {"model": "llama-3.1-8b"}
    assert (
        asked(part, **fields).resolved.kv_capacity_tokens < asked(None, **fields).resolved.kv_capacity_tokens
    )
    words = asked(part, **fields).assumptions
    assert any("0.165, the bytes that a token reads" in each for each in words)


def test_of_another_number_of_tokens_the_share_that_was_measured_is_taken() -> None:
    """3.25 tokens a step with 3 proposals are a share of 0.863; with 4 that gives 3.80."""
    llama: dict[str, Any] = {"model": "llama-3.1-8b"}
    words = asked({"draft_tokens": 4}, **llama).assumptions
    assert any("3.25 tokens a step with eagle3" in each and "with 3 draft tokens" in each for each in words)
    stated = asked({"draft_tokens": 4, "method": "eagle3", "acceptance_fraction": 0.8629}, **llama)
    assert asked({"draft_tokens": 4}, **llama).tpot_s == pytest.approx(stated.tpot_s, rel=1e-3)
    assert not any("assumed acceptance" in each for each in asked({"draft_tokens": 4}, **llama).warnings)


TAKEN = {
    "vllm": "mtp, eagle, eagle3, ngram, draft_model",
    "vllm 0.14.1": "mtp, eagle, eagle3, ngram",
    "vllm 0.15.0": "mtp, eagle, eagle3, ngram, draft_model",
    "sglang": "mtp, eagle, eagle3, ngram, draft_model",
    "trtllm": "mtp, eagle3, ngram, draft_model",
    "llama.cpp": "draft_model, mtp, eagle3, ngram",
    "llama.cpp b7200": "draft_model",
    "llama.cpp v0.5.0": "draft_model, mtp, eagle3, ngram",
    "mlx": "draft_model",
}
"""As vLLM, SGLang, llama.cpp and mlx-lm name them in their sources, and TensorRT-LLM in its page on the subject."""


@pytest.mark.parametrize("method", get_args(Method))
@pytest.mark.parametrize("named", TAKEN)
def test_an_engine_is_asked_for_no_speculation_that_it_does_not_have(named: str, method: Method) -> None:
    engine, _, version = named.partition(" ")
    assert set(draft_methods(engine, version or None)) == {*TAKEN[named].split(", ")}
    if method in TAKEN[named].split(", "):
        check_draft(engine, version or None, method)
        return
    with pytest.raises(
        UnsupportedError, match=f"no speculation by {method}.* it takes {TAKEN[named]}"
    ) as error:
        check_draft(engine, version or None, method)
    assert error.value.field == "speculative.method"
    assert error.value.details["accepted"] == TAKEN[named].split(", ")


MAC: dict[str, Any] = {"model": "llama-3.1-8b", "hardware": "apple-m3-ultra", "engine": "mlx"}
SMALLER = {"draft": {"name": "llama-3.2-1b"}}


@pytest.mark.parametrize(
    "part", [{"method": "eagle3"}, {"method": "ngram"}, {"draft": {"hf_config": HEAD_OF_LLAMA}}]
)
def test_every_way_to_ask_refuses_what_the_engine_does_not_have(part: dict[str, Any]) -> None:
    for ask in (llm_calc.estimate, llm_calc.memory_plan):
        with pytest.raises(UnsupportedError, match="it takes draft_model"):
            ask(**MAC, workload=LOAD, speculative=part)


def test_a_measured_method_is_not_taken_where_the_engine_does_not_have_it() -> None:
    """Of Llama-3.1-8B an EAGLE-3 head alone was measured."""
    words = asked({}, **MAC).assumptions
    assert any("speculative.method: none is named" in each for each in words)
    assert not any("as measured on" in each for each in words)


def test_a_draft_model_ends_batching_in_mlx() -> None:
    """server.py of mlx-lm 0.32.2 batches where there is no draft model."""
    fields: dict[str, Any] = {**MAC, "workload": {**LOAD, "concurrency": 8}}
    plan = llm_calc.memory_plan(**fields, speculative=SMALLER)
    alone = asked(SMALLER, **MAC, workload={**LOAD, "concurrency": 1})
    eight = asked(SMALLER, **fields)
    for answer in (plan, eight):
        assert any("a draft model ends batching" in each for each in answer.assumptions)
    assert eight.output_tokens_per_s == pytest.approx(alone.output_tokens_per_s, rel=1e-6)


def test_pools_without_a_place_for_a_draft_say_so() -> None:
    fields: dict[str, Any] = {"hardware": "8x h200-141gb-sxm"}
    words = planned("deepseek-v4-flash", "vllm", {"method": "eagle3"}, **fields).assumptions
    assert any("the cache of the draft is not counted" in each for each in words)


@pytest.mark.parametrize("answered", [llm_calc.memory_plan, llm_calc.estimate])
def test_sglang_starts_with_no_draft_beside_pipeline_stages(answered: Any) -> None:
    """``check_pipeline_parallel_compat`` of its ``validation_hook.py`` (0.5.23); vLLM's says nothing of the kind."""
    asked: dict[str, Any] = {
        "model": "llama-3.3-70b",
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "parallelism": {"tensor": 2, "pipeline": 2},
        "speculative": {"method": "ngram"},
    }
    with pytest.raises(
        UnsupportedError, match="does not start with speculation and 2 pipeline stages"
    ) as error:
        answered(**asked, engine="sglang")
    assert error.value.field == "parallelism.pipeline"
    answered(**asked, engine="vllm")
    answered(**asked | {"parallelism": {"tensor": 4}}, engine="sglang")
