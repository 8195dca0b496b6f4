"""Options that a request states are words of the command that starts the engine, or are named as left out.

Names read in the parsers of the engines: vLLM 0.33.0, 0.11.0 ``engine/arg_utils.py``, SGLang 0.5.23, 0.5.12 and 0.5.4
``sglang/srt``, TensorRT-LLM's ``commands/serve.py`` and ``KvCacheConfig``, llama.cpp's ``tools/server/README.md``,
mlx-lm 0.32.2 ``mlx_lm/server.py``.
"""

import json
import shlex
import subprocess
from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.planning.launch_catalog import launch_rules, load_launch_rules
from llm_calc.adapters.planning.stated import further_options, stated_options, unsaid
from llm_calc.adapters.wire.engines import ENGINE_PARTS, EnginePart
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.core.engines import traits_of
from llm_calc.core.launching.command import Launch, file_command, launch_command
from llm_calc.core.parallelism import Layout

NONE = ""
MODEL = {"name": "llama-3.1-8b"}
SAID: dict[str, dict[str, tuple[Any, str]]] = {
    "vllm": {
        "gpu_memory_utilization": (0.7, "--gpu-memory-utilization 0.7"),
        "kv_cache_memory_bytes": (10**10, "--kv-cache-memory-bytes 10000000000"),
        "num_gpu_blocks_override": (5000, "--num-gpu-blocks-override 5000"),
        "max_model_len": (4096, "--max-model-len 4096"),
        "max_num_batched_tokens": (2048, "--max-num-batched-tokens 2048"),
        "max_num_seqs": (7, "--max-num-seqs 7"),
        "block_size": (32, "--block-size 32"),
        "enforce_eager": (True, "--enforce-eager"),
        "cudagraph_mode": ("PIECEWISE", "--compilation-config.cudagraph_mode PIECEWISE"),
        "max_cudagraph_capture_size": (64, "--max-cudagraph-capture-size 64"),
        "cudagraph_capture_sizes": ((1, 2, 4), "--cudagraph-capture-sizes 1 2 4"),
        "performance_mode": ("throughput", "--performance-mode throughput"),
        "usage_context": ("LLM_CLASS", NONE),
        "enable_chunked_prefill": (False, "--no-enable-chunked-prefill"),
        "enable_prefix_caching": (False, "--no-enable-prefix-caching"),
        "async_scheduling": (False, "--no-async-scheduling"),
        "mamba_cache_mode": ("align", "--mamba-cache-mode align"),
        "mamba_ssm_cache_dtype": ("float32", "--mamba-ssm-cache-dtype float32"),
        "disable_hybrid_kv_cache_manager": (True, "--disable-hybrid-kv-cache-manager"),
        "decode_context_parallel_size": (2, "--decode-context-parallel-size 2"),
        "cpu_offload_gb": (4.5, "--cpu-offload-gb 4.5"),
        "enable_expert_parallel": (True, "--enable-expert-parallel"),
        "enable_eplb": (True, "--enable-eplb"),
        "num_redundant_experts": (32, "--eplb-config.num_redundant_experts 32"),
        "language_model_only": (True, "--language-model-only"),
        "limit_mm_per_prompt": ({"image": 2, "video": 0}, '--limit-mm-per-prompt \'{"image":2,"video":0}\''),
        "skip_mm_profiling": (True, "--skip-mm-profiling"),
        "mm_encoder_tp_mode": ("data", "--mm-encoder-tp-mode data"),
        "mm_processor_kwargs": ({"max_pixels": 1003520}, "--mm-processor-kwargs '{\"max_pixels\":1003520}'"),
    },
    "sglang": {
        "mem_fraction_static": (0.7, "--mem-fraction-static 0.7"),
        "context_length": (4096, "--context-length 4096"),
        "dcp_size": (2, "--dcp-size 2"),
        "page_size": (64, "--page-size 64"),
        "schedule_conservativeness": (0.5, "--schedule-conservativeness 0.5"),
        "scheduler_recv_interval": (30, "--scheduler-recv-interval 30"),
        "ep_num_redundant_experts": (16, "--ep-num-redundant-experts 16"),
        "chunked_prefill_size": (2048, "--chunked-prefill-size 2048"),
        "max_running_requests": (7, "--max-running-requests 7"),
        "max_total_tokens": (50_000, "--max-total-tokens 50000"),
        "cuda_graph_max_bs": (8, "--cuda-graph-max-bs-decode 8"),
        "disable_cuda_graph": (True, "--disable-cuda-graph"),
        "disable_prefill_cuda_graph": (True, "--disable-prefill-cuda-graph"),
        "disable_radix_cache": (True, "--disable-radix-cache"),
        "disable_overlap_schedule": (True, "--disable-overlap-schedule"),
        "disable_hybrid_swa_memory": (True, "--disable-hybrid-swa-memory"),
        "swa_full_tokens_ratio": (0.5, "--swa-full-tokens-ratio 0.5"),
        "mamba_full_memory_ratio": (0.4, "--mamba-full-memory-ratio 0.4"),
        "mamba_radix_cache_strategy": ("extra_buffer", "--mamba-radix-cache-strategy extra_buffer"),
        "mamba_ssm_dtype": ("bfloat16", "--mamba-ssm-dtype bfloat16"),
        "max_mamba_cache_size": (100, "--max-mamba-cache-size 100"),
        "attention_backend": ("triton", "--attention-backend triton"),
        "enable_dp_attention": (True, "--enable-dp-attention"),
    },
    "trtllm": {
        "free_gpu_memory_fraction": (0.7, "--kv_cache_free_gpu_memory_fraction 0.7"),
        "max_seq_len": (4096, "--max_seq_len 4096"),
        "max_num_tokens": (2048, "--max_num_tokens 2048"),
        "max_batch_size": (7, "--max_batch_size 7"),
        "tokens_per_block": (64, r"printf 'kv_cache_config:\n  tokens_per_block: 64\n' >"),
        "max_tokens": (50_000, r"printf 'kv_cache_config:\n  max_tokens: 50000\n' >"),
        "mamba_ssm_cache_dtype": (
            "float32",
            r"printf 'kv_cache_config:\n  mamba_ssm_cache_dtype: float32\n' >",
        ),
        "enable_block_reuse": (False, r"printf 'kv_cache_config:\n  enable_block_reuse: false\n' >"),
        "enable_chunked_prefill": (True, r"printf 'enable_chunked_prefill: true\n' >"),
        "cuda_graph": (False, r"printf 'cuda_graph_config: null\n' >"),
        "enable_attention_dp": (True, r"printf 'enable_attention_dp: true\n' >"),
    },
    "llama.cpp": {
        "preset": ("ollama", NONE),
        "n_ctx": (4096, "--ctx-size 4096"),
        "n_batch": (1024, "--batch-size 1024"),
        "n_ubatch": (256, "--ubatch-size 256"),
        "n_gpu_layers": (10, "--n-gpu-layers 10"),
        "n_parallel": (7, "--parallel 7"),
        "kv_unified": (False, "--no-kv-unified"),
        "flash_attn": (False, "--flash-attn off"),
        "swa_full": (True, "--swa-full"),
        "cache_type_k": ("q4_0", "--cache-type-k q4_0"),
        "cache_type_v": ("fp16", "--cache-type-v f16"),
        "n_cpu_moe": (3, "--n-cpu-moe 3"),
        "cpu_moe": (True, "--cpu-moe"),
        "n_cpu_ffn": (3, "--n-cpu-ffn 3"),
        "override_tensor": ("ffn_(up|down)=CPU", "--override-tensor 'ffn_(up|down)=CPU'"),
        "offload_kqv": (False, "--no-kv-offload"),
        "no_kv_offload": (True, "--no-kv-offload"),
        "op_offload": (False, "--no-op-offload"),
        "tensor_split": ((3.0, 1.0), "--tensor-split 3.0,1.0"),
        "split_mode": ("none", "--split-mode none"),
        "main_gpu": (1, "--main-gpu 1"),
        "fit": (False, "--fit off"),
        "fit_target": (512, "--fit-target 512"),
        "fit_ctx": (8192, "--fit-ctx 8192"),
    },
    "mlx": {
        "max_kv_size": (4096, NONE),
        "kv_bits": (8, "--kv-bits 8"),
        "kv_group_size": (32, "--kv-group-size 32"),
        "quantized_kv_start": (100, "--quantized-kv-start 100"),
        "decode_concurrency": (7, "--decode-concurrency 7"),
        "prompt_concurrency": (3, "--prompt-concurrency 3"),
        "prefill_step_size": (1024, "--prefill-step-size 1024"),
        "prompt_cache_size": (5, "--prompt-cache-size 5"),
        "prompt_cache_bytes": (10**9, "--prompt-cache-bytes 1000000000"),
    },
}
CASES = [(engine, name, *case) for engine, options in SAID.items() for name, case in options.items()]


def command(engine: str, release: str | None = None, **options: Any) -> tuple[str, list[str]]:
    part = ENGINE_PARTS[engine](name=engine, **options)  # type: ignore[call-arg]
    launch = Launch(
        rules=launch_rules(engine),
        model="m",
        layout=Layout(),
        gpus_per_node=8,
        layers=32,
        stated=stated_options(part),  # type: ignore[arg-type]
        release=release,
    )
    return launch_command(launch), list(unsaid(launch_rules(engine), part))  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", load_launch_rules())
def test_every_option_of_every_engine_is_in_the_table(engine: str) -> None:
    options = set(ENGINE_PARTS[engine].model_fields) - {"name", "version", "further", "further_values"}
    idle = frozenset(traits_of(engine).options.layout.switches)
    assert options - (homed_flags(engine) - idle) == set(SAID[engine])
    assert {row.states for row in launch_rules(engine).stated} <= options


@pytest.mark.parametrize(("engine", "name", "value", "words"), CASES)
def test_what_is_stated_is_said_or_named(engine: str, name: str, value: Any, words: str) -> None:
    plain, _ = command(engine)
    found, notes = command(engine, **{name: value})
    if words == NONE:
        assert found == plain
        assert len(notes) == 1
        assert notes[0].startswith(f"engine.{name}: was planned with")
    else:
        assert f" {words} " in f" {found} "
        assert notes == []
        assert len({word for word in shlex.split(found) if word.startswith("--")}) == len(
            [word for word in shlex.split(found) if word.startswith("--")]
        )


def test_a_switch_that_cannot_be_turned_off_is_named_unless_it_is_off_anyway() -> None:
    assert command("sglang", disable_radix_cache=False)[1] == []
    assert command("llama.cpp", swa_full=False)[1] == []
    assert command("llama.cpp", kv_unified=True)[0].endswith(" --kv-unified")
    assert " --n-gpu-layers auto " in command("llama.cpp", n_gpu_layers=-1)[0]


@pytest.mark.parametrize(
    ("release", "option", "words"),
    [
        ("0.5.12", {"cuda_graph_max_bs": 8}, "--cuda-graph-max-bs 8"),
        ("0.11.0", {"max_cudagraph_capture_size": 64}, "--cuda-graph-sizes 64"),
        ("0.5.4", {"cuda_graph_max_bs": 8}, "--cuda-graph-max-bs 8"),
        ("0.5.9", {"cuda_graph_max_bs": 8}, "--cuda-graph-max-bs 8"),
        ("0.5.13", {"cuda_graph_max_bs": 8}, "--cuda-graph-max-bs 8"),
        ("0.5.14", {"cuda_graph_max_bs": 8}, "--cuda-graph-max-bs-decode 8"),
        ("0.5.10", {"disable_prefill_cuda_graph": True}, "--disable-piecewise-cuda-graph"),
        ("0.5.12", {"disable_prefill_cuda_graph": True}, "--disable-piecewise-cuda-graph"),
        ("0.5.7", {"mamba_radix_cache_strategy": "auto"}, "--mamba-scheduler-strategy auto"),
        ("0.5.12", {"mamba_radix_cache_strategy": "auto"}, "--mamba-scheduler-strategy auto"),
    ],
)
def test_earlier_releases_have_names_of_their_own(release: str, option: dict[str, Any], words: str) -> None:
    engine = "vllm" if release == "0.11.0" else "sglang"
    assert command(engine, release, **option)[0].endswith(f" {words}")


def test_several_options_of_one_part_of_the_file_stand_together() -> None:
    found, _ = command("trtllm", tokens_per_block=64, max_tokens=1000, cuda_graph=False)
    text = r"kv_cache_config:\n  tokens_per_block: 64\n  max_tokens: 1000\n"
    assert text in found
    assert found.count("kv_cache_config") == 1
    assert found.endswith("trtllm-serve m --extra_llm_api_options options.yaml")


@pytest.mark.parametrize(
    "engine",
    [
        {"name": "vllm", "max_model_len": 4096, "gpu_memory_utilization": 0.7, "enforce_eager": True},
        {"name": "sglang", "mem_fraction_static": 0.7, "attention_backend": "triton"},
        {"name": "trtllm", "max_seq_len": 4096, "free_gpu_memory_fraction": 0.7},
        {"name": "llama.cpp", "n_ctx": 8192, "n_ubatch": 256, "cache_type_k": "q8_0"},
    ],
)
def test_a_recommended_deployment_is_started_as_it_was_planned(
    client: TestClient, engine: dict[str, Any]
) -> None:
    asked = {
        "model": {"name": "llama-3.1-8b"},
        "gpus": ["h100-80gb-sxm"],
        "context_tokens": 4096,
        "engine": engine,
        "manifests": ["kubernetes"],
    }
    answer = client.post("/api/recommend_gpus", json=asked).json()
    objects = answer["recommendations"][0]["manifests"]["kubernetes"]
    deployment = next(each for each in objects if each["kind"] == "Deployment")
    text = " ".join(deployment["spec"]["template"]["spec"]["containers"][0]["args"])
    for name in engine.keys() - {"name"}:
        _, expected = SAID[engine["name"]][name]
        assert f" {expected.split()[0]} " in f" {text} "


def test_what_the_command_cannot_say_is_a_note(client: TestClient) -> None:
    asked = {
        "model": {"name": "llama-3.1-8b"},
        "gpus": ["h100-80gb-sxm"],
        "context_tokens": 4096,
        "engine": {"name": "vllm", "max_model_len": 4096, "usage_context": "LLM_CLASS"},
        "manifests": ["kubernetes"],
    }
    notes = client.post("/api/recommend_gpus", json=asked).json()["recommendations"][0]["notes"]
    assert (
        "engine.usage_context: was planned with LLM_CLASS, for which the launch command has no word" in notes
    )


# As the engines' own commands take them: vLLM's BooleanOptionalAction and dotted keys (engine/arg_utils.py and
# utils/argparse_utils.py of 0.33.0), SGLang's store_true, trtllm-serve's underscores, llama.cpp's common/arg.cpp.
FURTHER: list[tuple[str, dict[str, Any], list[str]]] = [
    ("vllm", {"attention_backend": "FLASHINFER"}, ["--attention-backend", "FLASHINFER"]),
    (
        "vllm",
        {"enable_dbo": True, "calculate_kv_scales": False},
        ["--enable-dbo", "--no-calculate-kv-scales"],
    ),
    ("vllm", {"served_model_name": ["a b", "c"]}, ["--served-model-name", "a b", "c"]),
    ("vllm", {"kv_events_config": {"a": [1, "x y"]}}, ["--kv-events-config", '{"a":[1,"x y"]}']),
    (
        "vllm",
        {"compilation_config": {"mode": 0, "pass_config": {"fuse": True}, "cudagraph_mode": "FULL"}},
        [
            "--compilation-config.cudagraph_mode",
            "FULL",
            "--compilation-config.mode",
            "0",
            "--compilation-config.pass_config",
            '{"fuse":true}',
        ],
    ),
    (
        "vllm",
        {"optimization_level": 1},
        ["--compilation-config.cudagraph_mode", "PIECEWISE", "--optimization-level", "1"],
    ),
    ("vllm", {"chat_template": "$(id)'; rm"}, ["--chat-template", "$(id)'; rm"]),
    ("vllm", {"chat_template": "--help"}, ["--chat-template=--help"]),
    ("sglang", {"moe_runner_backend": "triton"}, ["--moe-runner-backend", "triton"]),
    ("sglang", {"enable_two_batch_overlap": True}, ["--enable-two-batch-overlap"]),
    ("trtllm", {"num_postprocess_workers": 2}, ["--num_postprocess_workers", "2"]),
    ("llama.cpp", {"threads": 8, "cont_batching": False}, ["--threads", "8", "--no-cont-batching"]),
    ("llama.cpp", {"alias": "-m x"}, ["--alias", "-m x"]),
    ("mlx", {"temp": 0.7}, ["--temp", "0.7"]),
]


def asked_part(engine: dict[str, Any]) -> EnginePart:
    body = {"model": MODEL, "hardware": {"gpu": "h100-80gb-sxm"}, "engine": engine}
    return MemoryPlanRequest.model_validate(body).engine


def from_request(engine: str, **options: Any) -> tuple[list[str], list[str]]:
    """The words that options add to a plain command, as a shell reads them, and notes."""
    rules = launch_rules(engine)
    parts = [asked_part({"name": engine}), asked_part({"name": engine, **options})]
    texts = [
        launch_command(
            Launch(
                rules=rules,
                model="m",
                layout=Layout(),
                gpus_per_node=8,
                layers=32,
                stated=stated_options(each),
                further=further_options(each),
            )
        )
        for each in parts
    ]
    plain, found = (shlex.split(text) for text in texts)
    assert found[: len(plain)] == plain
    return found[len(plain) :], list(unsaid(rules, parts[1]))


@pytest.mark.parametrize(("engine", "options", "words"), FURTHER)
def test_what_nothing_counts_is_said_as_it_was(
    engine: str, options: dict[str, Any], words: list[str]
) -> None:
    assert from_request(engine, **options) == (words, [])


def test_what_an_answer_repeats_is_said_again() -> None:
    part = asked_part({"name": "vllm", "seed": 7})
    assert from_request(**{"engine": "vllm", **part.model_dump(exclude={"name"}, exclude_none=True)}) == (
        ["--seed", "7"],
        [],
    )


@pytest.mark.parametrize(
    ("engine", "options", "note"),
    [
        ("sglang", {"enable_two_batch_overlap": False}, "has no word for false"),
        ("vllm", {"further": ["enable_dbo"]}, "nothing says its value"),
        ("vllm", {"master_addr": "10.0.0.1"}, "says its own, by the plan"),
    ],
)
def test_what_the_command_does_not_say_of_them_is_named(
    engine: str, options: dict[str, Any], note: str
) -> None:
    words, notes = from_request(engine, **options)
    assert words == []
    assert len(notes) == 1
    assert note in notes[0]


def test_what_nothing_counts_may_stand_in_the_file() -> None:
    moe = {"backend": "CUTLASS", "odd": "100 %s\\n"}
    part = asked_part(
        {"name": "trtllm", "moe_config": moe, "enable_partial_reuse": False, "pool_ratio": [0.5]}
    )
    launch = Launch(
        rules=launch_rules("trtllm"),
        model="m",
        layout=Layout(),
        gpus_per_node=8,
        further=further_options(part),
    )
    writes = file_command(launch).partition(" > ")[0]
    text = subprocess.run(["bash", "-c", writes], capture_output=True, text=True, check=True).stdout
    first, *cached = text.splitlines()
    name, _, value = first.partition(": ")
    assert (name, json.loads(value)) == ("moe_config", moe)
    assert cached == ["kv_cache_config:", "  enable_partial_reuse: false", "  pool_ratio: [0.5]"]
    assert list(unsaid(launch_rules("trtllm"), part)) == []


def test_a_manifest_says_what_nothing_counts(client: TestClient) -> None:
    asked = {
        "model": MODEL,
        "gpus": ["h100-80gb-sxm"],
        "context_tokens": 4096,
        "engine": {
            "name": "vllm",
            "attention_backend": "FLASHINFER",
            "port": 9000,
            "chat_template": "$(HOME)",
        },
        "manifests": ["kubernetes"],
    }
    found = client.post("/api/recommend_gpus", json=asked).json()["recommendations"][0]
    deployment = next(each for each in found["manifests"]["kubernetes"] if each["kind"] == "Deployment")
    (engine,) = deployment["spec"]["template"]["spec"]["containers"]
    text = " ".join(engine["args"])
    assert "--attention-backend FLASHINFER" in text
    # Kubernetes would put a variable of its own in place of $(HOME)
    assert "--chat-template $$(HOME)" in text
    assert "--port 9000" in text
    assert engine["ports"][0]["containerPort"] == 9000
    assert not [note for note in found["notes"] if "attention_backend" in note and "leaves it out" in note]
