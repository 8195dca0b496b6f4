"""Images of a workload: longer prompts, the encoder's share, and who sees none."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.images import load_images
from llm_calc.core.errors import CalcError, InvalidInputError, UnsupportedError

HD = {"width": 1920, "height": 1080}
LOAD: dict[str, Any] = {"input_tokens": 500, "output_tokens": 200, "concurrency": 4}

COSTS = [
    ("qwen3-vl-8b", 2040),
    ("qwen3.5-27b", 2040),
    ("gemma-3-12b", 260),
    ("gemma-4-31b", 266),
    ("kimi-k2.5", 2691),
    ("llava-1.5-7b", 576),
    ("llama-4-scout", 2322),
    ("llama-3.1-8b", None),
    ("gpt-oss-20b", None),
    ("minimax-m3", None),
]


@pytest.mark.parametrize(("model", "tokens"), COSTS)
def test_an_image_costs_what_the_models_processor_makes_of_it(model: str, tokens: int | None) -> None:
    fields: dict[str, Any] = {"model": model, "hardware": "8x h200-141gb-sxm"}
    load = {**LOAD, "images": {"count": 3, **HD}}
    if tokens is None:
        with pytest.raises(UnsupportedError, match=r"workload\.images") as error:
            llm_calc.memory_plan(workload=load, **fields)
        assert model in error.value.message
        return
    plan = llm_calc.memory_plan(workload=load, **fields)
    assert plan.images is not None
    assert (plan.images.tokens_per_image, plan.images.tokens) == (tokens, 3 * tokens)
    assert plan.asked_context_tokens == 700 + 3 * tokens
    assert any(f"takes {tokens} tokens, which lengthen the prompt" in words for words in plan.assumptions)


PIXTRAL = {
    "model_type": "mistral3",
    "architectures": ["Mistral3ForConditionalGeneration"],
    "spatial_merge_size": 2,
    "text_config": {
        "model_type": "mistral",
        "hidden_size": 5120,
        "intermediate_size": 32768,
        "num_hidden_layers": 40,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 131072,
        "max_position_embeddings": 131072,
    },
    "vision_config": {
        "model_type": "pixtral",
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 1540,
        "patch_size": 14,
    },
}
LLAMA4 = {
    "model_type": "llama4",
    "text_config": {
        "hidden_size": 5120,
        "intermediate_size": 8192,
        "intermediate_size_mlp": 16384,
        "num_hidden_layers": 4,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "num_local_experts": 16,
        "num_experts_per_tok": 1,
        "vocab_size": 202048,
        "max_position_embeddings": 131072,
    },
    "vision_config": {
        "hidden_size": 1408,
        "intermediate_size": 5632,
        "num_hidden_layers": 34,
        "num_attention_heads": 16,
        "image_size": 336,
        "patch_size": 14,
        "pixel_shuffle_ratio": 0.5,
    },
}


@pytest.mark.parametrize(("config", "tokens"), [(PIXTRAL, 1736), (LLAMA4, 2322)])
def test_a_configuration_says_its_own_sizes(config: dict[str, Any], tokens: int) -> None:
    plan = llm_calc.memory_plan(
        model={"hf_config": config}, hardware="8x h200-141gb-sxm", workload={**LOAD, "images": HD}
    )
    assert plan.images is not None
    assert plan.images.tokens_per_image == tokens


def test_a_processors_own_file_overrides_and_what_it_says_in_vain_is_named() -> None:
    """At most 1,003,520 pixels: 1320 x 742 of them at 32 a token are 41 x 23."""
    file = {"size": {"shortest_edge": 65536, "longest_edge": 1_003_520}, "patch_size": 16, "unheard_of": 1}
    load = {**LOAD, "images": {**HD, "processor": file}}
    plan = llm_calc.memory_plan(model="qwen3-vl-8b", hardware="h100-80gb-sxm", workload=load)
    assert plan.images is not None
    assert plan.images.tokens == 41 * 23
    assert any("processor.unheard_of" in words for words in plan.assumptions)
    broken = {**LOAD, "images": {**HD, "processor": {"max_pixels": "many"}}}
    with pytest.raises(InvalidInputError, match=r"workload\.images\.processor\.max_pixels"):
        llm_calc.memory_plan(model="qwen3-vl-8b", hardware="h100-80gb-sxm", workload=broken)


@pytest.mark.parametrize("load", ["concurrency", "request_rate", "batch", "offline"])
def test_images_are_their_tokens_and_the_encoder_before_the_first_token(load: str) -> None:
    amount: dict[str, Any] = {load: True if load == "offline" else 2}
    lengths = {"output_tokens": 200, **amount}
    fields: dict[str, Any] = {"model": "qwen3-vl-8b", "hardware": "h100-80gb-sxm"}
    images = llm_calc.estimate(workload={"input_tokens": 500, "images": HD, **lengths}, **fields)
    text = llm_calc.estimate(workload={"input_tokens": 2540, **lengths}, **fields)
    assert images.images is not None
    seconds = images.images.encoder_s
    assert seconds is not None
    assert 0.003 < seconds < 0.3  # 18.6 TFLOP at 300 to 900 TFLOP/s are 20 to 60 ms
    turns = 2 if load == "batch" else 1  # both prompts of a batch of two wait for both encoders
    assert images.ttft_s >= text.ttft_s + turns * seconds
    assert images.tpot_s >= text.tpot_s
    assert images.requests_per_s <= text.requests_per_s
    assert images.basis.kind == "formula_only"
    assert images.interval.status == "uncalibrated"


def planned(model: str, processor: dict[str, Any], width: int, height: int) -> Any:
    images = {"width": width, "height": height, "processor": processor}
    return llm_calc.memory_plan(
        model=model, hardware="8x h200-141gb-sxm", workload={**LOAD, "images": images}
    )


NOT_RESIZED = {"do_resize": False}
UNCROPPED = {
    "do_center_crop": False,
    "size": {"shortest_edge": 336},
    "crop_size": {"height": 336, "width": 336},
}
READ = [
    (
        "qwen3-vl-8b",
        NOT_RESIZED,
        (3200, 6400),
        100 * 200,
    ),  # 32 pixels a token, beyond what resizing would leave
    ("glm-4.1v-9b", NOT_RESIZED, (280, 560), 10 * 20),
    ("kimi-k2.5", NOT_RESIZED, (280, 560), 10 * 20),
    ("kimi-k2.5", {"media_proc_cfg": {"merge_kernel_size": 4}}, (560, 560), 10 * 10),  # 14 x 4 pixels a token
    ("kimi-k2.5", {"media_proc_cfg": {"merge_kernel_size": [4, 4]}}, (560, 560), 10 * 10),
    ("kimi-k2.5", {"merge_size": 1}, (280, 280), 20 * 20),
    ("gemma-3-12b", {"image_seq_length": 64}, (10, 10), 64 + 4),
    ("llava-1.5-7b", UNCROPPED, (1344, 672), 48 * 24),  # 672 x 336 pixels in patches of 14
    ("llava-1.5-7b", {**UNCROPPED, **NOT_RESIZED}, (140, 280), 10 * 20),
    ("llava-1.5-7b", {**NOT_RESIZED, "crop_size": {"height": 336, "width": 336}}, (140, 280), 576),
    ("llava-1.5-7b", {"vision_feature_select_strategy": "full"}, (10, 10), 577),
    (
        "glm-4.1v-9b",
        {"temporal_patch_size": 1, "size": {"shortest_edge": 1, "longest_edge": 614_656}},
        (1568, 1568),
        784,
    ),
    ("qwen3-vl-8b", {"patch_size": {"height": 16, "width": 16}}, (320, 320), 100),
]


@pytest.mark.parametrize(("model", "processor", "sides", "tokens"), READ)
def test_keys_that_change_tokens_are_read(
    model: str, processor: dict[str, Any], sides: tuple[int, int], tokens: int
) -> None:
    plan = planned(model, processor, *sides)
    assert plan.images.tokens_per_image == tokens
    assert not any("it is not used" in words for words in plan.assumptions)


@pytest.mark.parametrize(
    ("model", "processor", "named"),
    [
        ("gemma-3-12b", NOT_RESIZED, "do_resize"),
        ("gemma-4-31b", NOT_RESIZED, "do_resize"),
        ("gemma-3-12b", {"do_pan_and_scan": True}, "do_pan_and_scan"),
        ("gemma-3-12b", {"size": {"height": 896, "width": 448}}, "width"),
        ("gemma-3-12b", {"max_pixels": 10}, "max_pixels"),  # read of Qwen, in vain here
        ("qwen3-vl-8b", {"image_seq_length": 10}, "image_seq_length"),
        ("qwen3-vl-8b", {"do_center_crop": True}, "do_center_crop"),
        ("qwen3-vl-8b", {"size": 448}, "size"),
        ("llava-1.5-7b", {"merge_size": 4}, "merge_size"),
    ],
)
def test_keys_that_no_rule_of_the_family_reads_are_named(
    model: str, processor: dict[str, Any], named: str
) -> None:
    plan = planned(model, processor, 640, 640)
    assert [words for words in plan.assumptions if f"processor.{named}:" in words]


@pytest.mark.parametrize(
    "processor",
    [
        {"do_resize": True, "do_center_crop": None, "image_mean": [0.5, 0.5, 0.5], "temporal_patch_size": 2},
        {"size": {"height": 896, "width": 896}, "do_pan_and_scan": None, "pan_and_scan_max_num_crops": 4},
    ],
)
def test_keys_as_they_usually_stand_are_not_named(processor: dict[str, Any]) -> None:
    assert not any("it is not used" in words for words in planned("gemma-3-12b", processor, 9, 9).assumptions)


@pytest.mark.parametrize(
    ("model", "processor", "field"),
    [
        ("qwen3-vl-8b", NOT_RESIZED, "workload.images"),  # 650 is no multiple of 32
        ("kimi-k2.5", NOT_RESIZED, "workload.images"),
        ("qwen3-vl-8b", {"do_resize": "no"}, "workload.images.processor.do_resize"),
        ("kimi-k2.5", {"merge_size": [2, 3]}, "workload.images.processor.merge_size"),
    ],
)
def test_what_the_processor_would_refuse_is_refused(
    model: str, processor: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        planned(model, processor, 650, 650)
    assert error.value.field == field


LARGE = {"width": 4000, "height": 4000}
LOADS: list[dict[str, Any]] = [
    {"concurrency": 1},
    {"concurrency": 256},
    {"request_rate": 0.2},
    {"request_rate": 2},
    {"batch": 256},
    {"offline": True},
]


def large(load: dict[str, Any], gpus: int = 1, **fields: Any) -> Any:
    workload = {"input_tokens": 500, "output_tokens": 200, "images": LARGE, **load}
    hardware = f"{gpus}x h100-80gb-sxm"
    return llm_calc.estimate(
        model="qwen3-vl-8b", hardware=hardware, workload=workload, parallelism={"data": gpus}, **fields
    )


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("gpus", [1, 4])
@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_no_load_serves_more_than_encoders_and_prompts_leave_time_for(
    load: dict[str, Any], gpus: int, engine: str
) -> None:
    """A GPU that encodes 0.7 s for each request starts no more than 1.4 a second, whatever else it does."""
    found = large(load, gpus, engine={"name": engine})
    seconds = found.images.encoder_s
    assert found.requests_per_s * seconds < gpus
    assert found.output_tokens_per_s == pytest.approx(200 * found.requests_per_s, rel=1e-9)
    most = large({"offline": True}, gpus, engine={"name": engine}).requests_per_s
    assert found.requests_per_s <= most * (1 + 1e-9)


@pytest.mark.parametrize("load", ["concurrency", "request_rate", "batch", "offline"])
def test_replicas_serve_as_many_times_more_images(load: str) -> None:
    amount: dict[str, Any] = {load: True if load == "offline" else 2}
    fourfold: dict[str, Any] = {load: True if load == "offline" else 8}
    one, four = large(amount), large(fourfold, 4)
    assert four.requests_per_s == pytest.approx(4 * one.requests_per_s, rel=1e-9)
    assert four.ttft_s == pytest.approx(one.ttft_s, rel=1e-9)


def test_a_rate_beyond_what_encoders_leave_is_said_to_be_beyond_it() -> None:
    """Text alone would be served at 1.3 a second, with 0.7 s of encoder each at less than 0.8."""
    warned = [words for words in large({"request_rate": 1.0}).warnings if "can serve" in words]
    assert len(warned) == 1


def test_a_batch_waits_for_all_its_encoders_and_prefill_pools_encode() -> None:
    lengths = {"input_tokens": 500, "output_tokens": 200, "batch": 16}
    fields: dict[str, Any] = {"model": "qwen3-vl-8b", "hardware": "h100-80gb-sxm"}
    images = llm_calc.estimate(workload={**lengths, "images": HD}, **fields)
    text = llm_calc.estimate(workload={**lengths, "input_tokens": 2540}, **fields)
    assert images.images is not None
    assert images.images.encoder_s is not None
    assert images.ttft_s == pytest.approx(text.ttft_s + 16 * images.images.encoder_s, rel=1e-9)
    apart: dict[str, Any] = {
        "hardware": "8x h100-80gb-sxm",
        "disaggregated": {"prefill_replicas": 2, "decode_replicas": 6},
        "parallelism": {"tensor": 1},
    }
    crowd = {"input_tokens": 500, "output_tokens": 20, "concurrency": 64, "images": LARGE}
    pools = llm_calc.estimate(model="qwen3-vl-8b", workload=crowd, **apart)
    assert pools.images is not None
    assert pools.images.encoder_s is not None
    assert pools.requests_per_s * pools.images.encoder_s < 2


def test_sessions_take_images_in_their_first_prompt() -> None:
    load = {**LOAD, "images": HD, "sessions": {"turns": 3, "growth_tokens": 100}}
    answer = llm_calc.estimate(model="qwen3-vl-8b", hardware="h100-80gb-sxm", workload=load)
    assert answer.sessions is not None
    assert answer.sessions.longest_tokens == pytest.approx(2540 + 3 * 200 + 2 * 100, rel=0.1)
    assert any(
        "encoder takes" in words and "first request of a session" in words for words in answer.assumptions
    )


ONE_H100: dict[str, Any] = {"model": "qwen3-vl-8b", "hardware": "h100-80gb-sxm"}
NO_PREFIXES = {"name": "vllm", "enable_prefix_caching": False}
TWO_SIDES: dict[str, Any] = {
    "model": "qwen3-vl-8b",
    "hardware": "2x h100-80gb-sxm",
    "parallelism": {"tensor": 1},
    "disaggregated": {},
}


@pytest.mark.parametrize("fields", [ONE_H100, TWO_SIDES, {**TWO_SIDES, "engine": NO_PREFIXES}])
@pytest.mark.parametrize("growth", [{"growth_tokens": 50}, {}])
def test_turns_that_bring_images_wait_for_their_encoder(
    fields: dict[str, Any], growth: dict[str, int]
) -> None:
    """One session alone: the same prompts as text but for the encoder, in the first turn or in every one.

    Over two sides with the prefix cache off the second to fourth turn encode 2, 3 and 4 of them, or the first's.
    """
    load: dict[str, Any] = {
        "output_tokens": 50,
        "concurrency": 1,
        "sessions": {"turns": 4, "think_s": 1.0, **growth},
    }
    images = llm_calc.estimate(workload={**load, "input_tokens": 500, "images": HD}, **fields)
    text = llm_calc.estimate(workload={**load, "input_tokens": 2540}, **fields)
    assert images.images is not None
    assert images.sessions is not None
    assert text.sessions is not None
    longer = [
        getattr(images.sessions, name) - getattr(text.sessions, name)
        for name in ("first_turn_ttft_s", "later_turns_ttft_s")
    ]
    each = images.images.encoder_s
    assert each is not None
    kept = "engine" not in fields
    later = (0.0 if kept else 1.0) if growth else (1.0 if kept else 3.0)
    assert longer == pytest.approx([each, later * each], rel=1e-6, abs=1e-9)
    assert any("those of turns before are encoded again" in words for words in images.assumptions)


def test_images_whose_contexts_left_the_cache_are_encoded_again() -> None:
    """With no prefix caching each of four turns encodes the first turn's image: as much later as the first one."""
    load: dict[str, Any] = {
        "output_tokens": 50,
        "concurrency": 1,
        "sessions": {"turns": 4, "think_s": 1.0, "growth_tokens": 50},
    }
    off = {**ONE_H100, "engine": {"name": "vllm", "enable_prefix_caching": False}}
    images = llm_calc.estimate(workload={**load, "input_tokens": 500, "images": HD}, **off)
    text = llm_calc.estimate(workload={**load, "input_tokens": 2540}, **off)
    assert images.sessions is not None
    assert text.sessions is not None
    assert images.images is not None
    longer = images.sessions.later_turns_ttft_s - text.sessions.later_turns_ttft_s  # type: ignore[operator]
    assert longer == pytest.approx(images.images.encoder_s, rel=1e-6)


@pytest.mark.parametrize("fields", [ONE_H100, TWO_SIDES])
def test_arrivals_that_are_told_apart_are_bounded_by_the_encoder(fields: dict[str, Any]) -> None:
    load: dict[str, Any] = {"input_tokens": 500, "output_tokens": 20, "images": LARGE, "request_rate": 100.0}
    plain = llm_calc.estimate(workload=load, **fields)
    apart = llm_calc.estimate(workload={**load, "targets": {"ttft_s": 1.0}}, **fields)
    assert plain.images is not None
    assert plain.images.encoder_s is not None
    assert apart.requests_per_s < 1 / plain.images.encoder_s
    # Below what a formula has of the queue: the run's steps with prompts are whole ones.
    assert apart.requests_per_s == pytest.approx(plain.requests_per_s, rel=0.1)


@pytest.mark.parametrize(
    "load",
    [
        {"input_tokens": {"distribution": "uniform", "min": 10, "max": 20}, "images": HD},
        {"images": {"width": 0, "height": 10}},
        {"images": {"width": 10}},
        {"images": {"width": 10, "height": 10_000}},
    ],
)
def test_images_that_cannot_be_are_refused_by_their_field(load: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="images"):
        llm_calc.estimate(model="qwen3-vl-8b", hardware="h100-80gb-sxm", workload=load)


def test_plans_lengthen_prompts_and_sweeps_refuse_images() -> None:
    plans = llm_calc.plan(
        model="qwen3-vl-8b", workload={**LOAD, "images": HD}, gpus=["h100-80gb-sxm"], engines=["vllm"]
    )
    assert any("takes 2040 tokens" in words for words in plans.assumptions)
    assert any("encoder is not part of this answer" in words for words in plans.assumptions)
    base = {
        "model": {"name": "qwen3-vl-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "workload": {"images": HD},
    }
    with pytest.raises(CalcError, match=r"workload\.images"):
        list(llm_calc.sweep(target="memory_plan", base=base, grid={"workload.concurrency": [1, 2]}))


def test_a_calibration_refuses_images_which_no_factor_of_it_holds() -> None:
    one = {
        "model": {"name": "qwen3-vl-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "workload": {**LOAD, "images": HD},
        "measured": {"ttft_s": 0.3},
    }
    with pytest.raises(CalcError, match=r"measurements\[0\]\.workload\.images"):
        llm_calc.calibrate(measurements=[one])


def test_families_are_named_once_with_their_source() -> None:
    names = [name for family in load_images().families for name in family.types]
    assert len(set(names)) == len(names)


def test_turns_of_sessions_say_which_bring_images() -> None:
    for growth, words in (
        ({}, "every turn brings"),
        ({"growth_tokens": 50}, "first prompts of sessions have them"),
    ):
        load: Any = {
            "input_tokens": 100,
            "output_tokens": 50,
            "concurrency": 1,
            "images": {"count": 1, "width": 1000, "height": 1000},
            "sessions": {"turns": 3, **growth},
        }
        found = llm_calc.estimate(model="qwen3-vl-8b", hardware="h100-80gb-sxm", workload=load)
        assert any(words in word for word in found.assumptions)


def profiled(processor: dict[str, object] | None, **options: object) -> str:
    images = {"width": 1920, "height": 1080, **({} if processor is None else {"processor": processor})}
    plan = llm_calc.memory_plan(
        model={"name": "qwen2.5-vl-7b"},
        hardware={"gpu": "l40s"},
        engine={"name": "vllm", "max_model_len": 32768, **options},
        workload={"input_tokens": 100, "output_tokens": 100, "concurrency": 1, "images": images},
    )
    (told,) = (line for line in plan.assumptions if "is profiled with" in line)
    return told


# 28 x 28 pixels a token: the family's 12845056 are 16384 tokens, two frames of which a context of 32768 holds;
# 1003520 are 1280, in 7 frames, and so are 602112 (768), which the engine's own option puts in place of the file's.
PROFILED = [
    (None, {}, "video of 2 frames, of 32768"),
    ({}, {}, "video of 2 frames, of 32768"),
    ({"min_pixels": 50_176}, {}, "video of 2 frames, of 32768"),
    ({"max_pixels": 1_003_520}, {}, "video of 7 frames, of 8960"),
    (None, {"mm_processor_kwargs": {"max_pixels": 1_003_520}}, "video of 7 frames, of 8960"),
    (
        {"max_pixels": 1_003_520},
        {"mm_processor_kwargs": {"max_pixels": 602_112}},
        "video of 7 frames, of 5376",
    ),
]


@pytest.mark.parametrize(("processor", "options", "said"), PROFILED)
def test_limits_of_a_processor_reach_what_vllm_profiles(
    processor: dict[str, object] | None, options: dict[str, object], said: str
) -> None:
    assert said in profiled(processor, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"language_model_only": True},
        {"limit_mm_per_prompt": {"image": 0, "video": 0}},
        {"limit_mm_per_prompt": {"image": {"count": 1}}},
    ],
)
@pytest.mark.parametrize("ask", [llm_calc.memory_plan, llm_calc.estimate])
def test_more_images_than_the_engine_takes_are_refused(ask: Any, options: dict[str, object]) -> None:
    question: dict[str, Any] = {
        "model": "qwen2.5-vl-7b",
        "hardware": "h100",
        "engine": {"name": "vllm", **options},
    }
    images = {"count": 3, "width": 512, "height": 512}
    with pytest.raises(InvalidInputError, match=r"workload\.images\.count: 3 is more than engine\.l"):
        ask(
            **question, workload={"input_tokens": 64, "output_tokens": 64, "concurrency": 1, "images": images}
        )


SIZED = [
    (
        {"video": 0, "image": {"count": 2, "width": 512, "height": 512}},
        "image that limit_mm_per_prompt states, of 324",
    ),
    (
        {"video": {"count": 1, "num_frames": 4, "width": 512, "height": 512}},
        "video of 2 frames that limit_mm_per",
    ),
    (
        {"image": {"width": 512}},
        "engine.limit_mm_per_prompt.image.width: changes nothing of what is profiled",
    ),
    (
        {"audio": {"length": 16_000}},
        "engine.limit_mm_per_prompt.audio.length: changes nothing of what is profiled",
    ),
    (
        {"video": 0, "image": {"width": 99_999}},
        "engine.limit_mm_per_prompt.image.width: changes nothing of what",
    ),
]


@pytest.mark.parametrize(("limits", "said"), SIZED)
def test_sizes_in_a_limit_are_used_or_named(limits: dict[str, object], said: str) -> None:
    plan = llm_calc.memory_plan(
        model="qwen2.5-vl-7b",
        hardware="l40s",
        engine={"name": "vllm", "max_model_len": 32_768, "limit_mm_per_prompt": limits},
    )
    assert said in " ".join([*plan.assumptions, *plan.warnings])


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"image": -1}, "image must be a whole number of 0 or more"),
        ({"image": "2"}, "image must be a whole number"),
        ({"image": {"width": 0}}, r"image\.width must be a whole number of 1 or more"),
        ({"image": {"num_frames": 2}}, r"image\.num_frames is not known; accepted are count, width, height"),
        (
            {"video": {"length": 2}},
            r"video\.length is not known; accepted are count, num_frames, width, height",
        ),
        ({"pdf": 1}, "must be 'image', 'video' or 'audio'"),
    ],
)
def test_limits_that_vllm_refuses(limits: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInputError, match=r"engine\.limit_mm_per_prompt: " + words):
        llm_calc.memory_plan(
            model="qwen2.5-vl-7b", hardware="h100", engine={"name": "vllm", "limit_mm_per_prompt": limits}
        )


WIDE = {"count": 2, "width": 100_000, "height": 1}


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        (
            {"video": 0, "image": WIDE},
            "image",
            r"width 100000, height 1 of .*: 3584 x 1 pixels are longer than",
        ),
        ({"video": 0, "image": {"height": 3}}, "image", r"height 3 of .*: 3584 x 3 pixels are longer than"),
        ({"video": {"width": 2}}, "video", r"width 2 of .*: 2 x 3584 pixels are longer than"),
        ({"image": 0, "video": {"width": 2}}, "video", r"width 2 of .*: 2 x 3584 pixels are longer than"),
        ({"video": 0, "image": {"width": 281}}, "image", r"width 281 of .*: not resized .* multiples of 28"),
    ],
)
def test_sides_that_a_processor_refuses_are_those_of_the_limit(
    options: dict[str, object], kind: str, words: str
) -> None:
    """``smart_resize`` refuses more than 200 to 1; no workload is said, and so none is to blame."""
    engine: dict[str, object] = {"name": "vllm", "limit_mm_per_prompt": options}
    if "not resized" in words:
        engine["mm_processor_kwargs"] = {"do_resize": False}
    with pytest.raises(InvalidInputError, match=rf"^engine\.limit_mm_per_prompt\.{kind}: {words}") as refused:
        llm_calc.memory_plan(model="qwen2.5-vl-7b", hardware="h100", engine=engine)
    assert refused.value.field == f"engine.limit_mm_per_prompt.{kind}"


def test_sides_of_what_is_not_encoded_are_not_refused() -> None:
    """A video has more tokens, and an image of that size is never made (``get_modality_with_max_tokens``)."""
    engine = {"name": "vllm", "limit_mm_per_prompt": {"image": WIDE}}
    plan = llm_calc.memory_plan(model="qwen2.5-vl-7b", hardware="h100", engine=engine)
    bare = llm_calc.memory_plan(model="qwen2.5-vl-7b", hardware="h100", engine="vllm")
    assert plan.kv_cache_tokens == bare.kv_cache_tokens
    assert (
        "engine.limit_mm_per_prompt.image.width: changes nothing of what is profiled here" in plan.assumptions
    )


def test_one_side_that_is_right_with_the_other_is_not_asked_about_alone() -> None:
    """140 x 10 pixels are 14 to 1; the largest width with the same height would be refused."""
    engine = {"name": "vllm", "limit_mm_per_prompt": {"video": 0, "image": {"width": 140, "height": 10}}}
    plan = llm_calc.memory_plan(model="qwen2.5-vl-7b", hardware="h100", engine=engine)
    assert "image that limit_mm_per_prompt states, of 8 tokens" in " ".join(plan.assumptions)
