"""Launch commands: options that the engines document, given what the plan says."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.planning.launch_catalog import launch_rules, load_launch_rules
from llm_calc.adapters.runs_on import load_runs_on
from llm_calc.core.errors import UnknownNameError
from llm_calc.core.launching.command import Launch, launch_command, launch_notes
from llm_calc.core.parallelism import Layout

DOCUMENTED = {
    # https://docs.vllm.ai/en/v0.11.0/configuration/engine_args.html, and of several hosts those of 0.33.0
    "vllm": "--tensor-parallel-size --pipeline-parallel-size --data-parallel-size --nnodes --node-rank --master-addr "
    "--enable-expert-parallel --max-model-len --max-num-seqs "
    "--max-num-batched-tokens --gpu-memory-utilization --dtype --quantization --kv-cache-dtype "
    # https://docs.vllm.ai/en/stable/configuration/engine_args.html
    "--speculative-config --enable-lora --max-loras --max-lora-rank --max-cpu-loras --lora-modules "
    "--kv-offloading-backend --kv-offloading-size --kv-transfer-config",
    # https://docs.sglang.ai/advanced_features/server_arguments.html
    "sglang": "--model-path --tp-size --pp-size --dp-size --attn-dp-size --enable-dp-attention --ep-size --nnodes "
    "--node-rank "
    "--dist-init-addr --context-length --max-running-requests --chunked-prefill-size --mem-fraction-static "
    "--dtype --quantization --kv-cache-dtype "
    # srt/arg_groups/fields of the wheel of 0.5.23
    "--speculative-algorithm --speculative-draft-model-path --speculative-num-steps --speculative-eagle-topk "
    "--speculative-num-draft-tokens --enable-lora --max-loras-per-batch --max-lora-rank --lora-target-modules "
    "--max-loaded-loras --lora-paths --enable-hierarchical-cache --hicache-ratio "
    "--disaggregation-mode --disaggregation-transfer-backend",
    # https://nvidia.github.io/TensorRT-LLM/commands/trtllm-serve/trtllm-serve.html
    "trtllm": "--tp_size --pp_size --ep_size --max_seq_len --max_batch_size --max_num_tokens "
    "--kv_cache_free_gpu_memory_fraction --extra_llm_api_options",
    # https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
    "llama.cpp": "--model --n-gpu-layers --split-mode --ctx-size --parallel --flash-attn --cache-type-k --cache-type-v "
    "--lora --hf-repo --no-mmproj --spec-type --spec-draft-model --spec-draft-n-max --spec-ngram-simple-size-m",
}
LAYOUTS = {
    "vllm": [Layout(), Layout(tensor=8, pipeline=2), Layout(data=16, expert=16)],
    "sglang": [Layout(), Layout(tensor=4, data=2, expert=8), Layout(tensor=16)],
    "trtllm": [Layout(), Layout(data=8, expert=8), Layout(tensor=8, pipeline=2)],
    "llama.cpp": [Layout(), Layout(pipeline=4)],
}


def launches() -> Iterator[Launch]:
    for engine, layouts in LAYOUTS.items():
        for layout in layouts:
            yield Launch(
                rules=launch_rules(engine),
                model="org/model",
                layout=layout,
                gpus_per_node=8,
                context_tokens=4096,
                max_sequences=512,
                dtype="bf16",
                quantize_on_load="fp8",
                kv_cache="q8_0" if engine == "llama.cpp" else "fp8",
                layers=32,
            )


@pytest.mark.parametrize("launch", list(launches()))
def test_every_option_is_a_documented_one(launch: Launch) -> None:
    command = launch_command(launch).rpartition("&& ")[2]
    own = command[command.index(launch_rules(launch.engine).command[0]) :]
    words = [word for word in shlex.split(own) if word.startswith("--")]
    assert words
    assert set(words) <= set(DOCUMENTED[launch.engine].split())


@pytest.mark.parametrize("engine", DOCUMENTED)
def test_the_catalog_holds_documented_options_alone(engine: str) -> None:
    assert {option.option for option in launch_rules(engine).options} <= set(DOCUMENTED[engine].split())
    assert all(source.startswith("https://") for source in launch_rules(engine).sources)


def test_vllm_over_two_hosts() -> None:
    launch = Launch(
        rules=launch_rules("vllm"),
        model="deepseek-ai/DeepSeek-V3",
        layout=Layout(tensor=8, pipeline=2),
        gpus_per_node=8,
        context_tokens=4096,
        kv_cache="fp8",
    )
    assert launch_command(launch) == (
        "vllm serve deepseek-ai/DeepSeek-V3 --tensor-parallel-size 8 --pipeline-parallel-size 2 "
        '--nnodes 2 --node-rank "$NODE_RANK" --master-addr "$HEAD" --max-model-len 4096 --kv-cache-dtype fp8'
    )


@pytest.mark.parametrize(
    ("release", "groups"),
    [
        # 0.5.23 server_args.py: --enable-dp-attention is deprecated for --attn-dp-size
        (None, "--attn-dp-size 4"),
        ("0.5.23", "--attn-dp-size 4"),
        ("0.5.22", "--attn-dp-size 4"),
        ("0.5.21", "--dp-size 4 --enable-dp-attention"),
        ("0.5.4", "--dp-size 4 --enable-dp-attention"),
    ],
)
def test_sglang_counts_all_gpus_of_a_stage_and_all_sequences(release: str | None, groups: str) -> None:
    launch = Launch(
        rules=launch_rules("sglang"),
        model="m",
        layout=Layout(tensor=2, data=4, expert=8),
        gpus_per_node=8,
        max_sequences=64,
        release=release,
    )
    assert launch_command(launch) == (
        f"python3 -m sglang.launch_server --model-path m --tp-size 8 {groups} --ep-size 8 "
        "--max-running-requests 256"
    )


def test_tensorrt_llm_takes_what_has_no_option_from_a_file() -> None:
    launch = Launch(
        rules=launch_rules("trtllm"),
        model="m",
        layout=Layout(data=8, expert=8),
        gpus_per_node=8,
        kv_cache="fp8",
    )
    assert launch_command(launch) == (
        "printf 'enable_attention_dp: true\\nkv_cache_config:\\n  dtype: fp8\\n' > options.yaml && "
        "trtllm-serve m --tp_size 8 --ep_size 8 --extra_llm_api_options options.yaml"
    )


def test_names_are_safe_in_a_shell() -> None:
    launch = Launch(rules=launch_rules("vllm"), model="my model; rm -rf /", layout=Layout(), gpus_per_node=8)
    assert shlex.split(launch_command(launch)) == ["vllm", "serve", "my model; rm -rf /"]


HOSTILE = (
    "$(touch${IFS}pwned)",
    "$HEAD",
    "$NODE_RANK",
    "`id`",
    "a'b\"c",
    "a\nb; id",
    "${HOME}",
    "$$(X)$",
    "\\",
    "%s %n",
    "{nodes}",
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("engine", load_launch_rules())
def test_a_name_is_one_literal_word_whatever_is_in_it(engine: str, name: str, tmp_path: Path) -> None:
    several = not launch_rules(engine).one_host
    layout = Layout(tensor=16) if several else Layout()
    command = launch_command(Launch(rules=launch_rules(engine), model=name, layout=layout, gpus_per_node=8))
    plain = launch_command(Launch(rules=launch_rules(engine), model="NAME", layout=layout, gpus_per_node=8))
    assert shlex.split(command) == [name if word == "NAME" else word for word in shlex.split(plain)]
    # a real shell keeps the word too
    bash = shutil.which("bash") or "/bin/bash"
    own = command.rpartition("&& ")[2].replace(launch_rules(engine).command[0], "printf '%s\\0'", 1)
    said = subprocess.run(
        [bash, "-c", f"srun() {{ printf '%s\\0' \"$@\"; }}; {own}"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert name.encode() in said.split(b"\0")


@pytest.mark.parametrize("engine", load_launch_rules())
def test_a_name_is_no_option(engine: str) -> None:
    launch = Launch(rules=launch_rules(engine), model="--trust-remote-code", layout=Layout(), gpus_per_node=8)
    words = shlex.split(launch_command(launch))
    assert "./--trust-remote-code" in words
    assert "--trust-remote-code" not in words


def test_an_engine_without_rules_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="engines: unknown engine 'generic'"):
        launch_rules("generic")


def test_every_gpu_with_published_rates_runs_some_engine_or_none_by_its_vendor() -> None:
    without = {
        gpu.id
        for gpu in load_catalogs().gpus
        if gpu.peaks and not any(rules.on(gpu) for rules in load_runs_on().values())
    }
    assert without == {"groq-lpu"}


def test_no_module_of_starting_engines_knows_one_by_its_name() -> None:
    """What tells engines apart stands in their catalogs."""
    package = Path(llm_calc.__file__).parent
    folder, core = package / "adapters/planning", package / "core/launching"
    files = [folder / "launched.py", folder / "stated.py", folder / "choices.py", *core.rglob("*.py")]
    names = [f'"{name}"' for name in load_launch_rules()]
    for file in files:
        assert [name for name in names if name in file.read_text(encoding="utf-8")] == [], file.name


@pytest.mark.parametrize(("engine", "on_one_host"), [("vllm", False), ("sglang", False), ("trtllm", True)])
def test_what_is_to_know_of_several_hosts_is_not_said_of_one(engine: str, on_one_host: bool) -> None:
    """vLLM and SGLang take a command on each host; TensorRT-LLM's checkpoints are the same on any number."""
    rules = launch_rules(engine)
    assert rules.notes
    assert launch_notes(rules, 2, foreign_weights=None) == list(rules.notes)
    assert launch_notes(rules, 1, foreign_weights=None) == (list(rules.notes) if on_one_host else [])
    (said,) = launch_notes(launch_rules("vllm"), 1, foreign_weights="nvfp4")
    assert "a checkpoint in nvfp4" in said
