"""Commands of plans with all that plans may have beside their engine: each option is one of the release's own.

The options of each engine were listed from the release's own code (``tests/golden/engine_options.json``).
"""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer

RECORDED = json.loads((Path(__file__).parents[2] / "golden" / "engine_options.json").read_text())
SHORT = {"trtllm": {"tp_size", "pp_size", "ep_size", "extra_llm_api_options"}}
"""Other names that ``commands/serve.py`` gives its options."""
WHOLE = (
    *(
        "max_model_len",
        "max_num_seqs",
        "tensor_parallel_size",
        "pipeline_parallel_size",
        "data_parallel_size",
    ),
    *(
        "decode_context_parallel_size",
        "max_loras",
        "max_lora_rank",
        "nnodes",
        "tp_size",
        "pp_size",
        "dp_size",
    ),
    *("ep_size", "dcp_size", "context_length", "max_running_requests", "max_loras_per_batch", "max_seq_len"),
    *(
        "speculative_num_steps",
        "speculative_eagle_topk",
        "speculative_num_draft_tokens",
        "ctx_size",
        "parallel",
    ),
    *("n_gpu_layers", "max_batch_size", "max_num_tokens", "draft_max"),
)
"""Options that are given a whole number."""
OBJECTS = ("speculative_config", "kv_transfer_config", "compilation_config")
"""Options that are given a JSON object."""
METHODS = {"ngram", "eagle", "eagle3", "mtp", "draft_model"}
"""Of vLLM's ``SpeculativeConfig`` (``config/speculative.py``)."""
PLAIN = {"input_tokens": 1024, "output_tokens": 256, "concurrency": 16}
CHAT = {"sessions": {"turns": 6, "think_s": 5}, "input_tokens": 1000, "output_tokens": 200, "concurrency": 16}
HOST, STORE = {"tier": "host", "memory_bytes": 5e11}, {"tier": "store", "memory_bytes": 2e12}
BESIDE: dict[str, dict[str, Any]] = {
    "nothing": {"workload": PLAIN},
    "a host's memory": {"workload": CHAT, "kv_tiers": [HOST]},
    "two tiers": {"workload": CHAT, "kv_tiers": [HOST, STORE]},
    "eagle3": {"workload": PLAIN, "speculative": {"method": "eagle3"}},
    "mtp": {"workload": PLAIN, "speculative": {"method": "mtp", "draft_tokens": 2}},
    "ngram": {"workload": PLAIN, "speculative": {"method": "ngram", "draft_tokens": 4}},
    "a smaller model": {
        "workload": PLAIN,
        "speculative": {"method": "draft_model", "draft": {"name": "qwen3-0.6b"}},
    },
    "adapters": {"workload": PLAIN, "lora": {"adapters": 8, "rank": 16}},
    "contexts over GPUs": {"workload": PLAIN, "context_parallel": [1, 2, 4, 8]},
    "prefill apart": {"workload": PLAIN, "prefill_apart": True},
    "an fp8 cache": {"workload": PLAIN, "kv_cache_formats": ["fp8"], "gpus_per_node": 4},
}
ASKED = [
    ("deepseek-v3", "h200-141gb-sxm"),
    ("llama-3.1-405b", "h100-80gb-sxm"),
    ("qwen3-235b-a22b", "b200-180gb-sxm"),
    ("gpt-oss-120b", "h100-80gb-sxm"),
    ("qwen3-8b", "mi300x"),
    ("qwen3-8b", "apple-m4-max"),
]


def commands(found: DeploymentPlansAnswer) -> Iterator[tuple[str, str]]:
    fronts = (found.pareto.throughput_against_speed, found.pareto.cost_against_latency)
    for plan in (*found.plans, *(point.plan for front in fronts for point in front)):
        yield plan.engine.name, plan.launch_command
    for pair in found.apart:
        yield from ((pair.engine.name, each) for each in (pair.launch_prefill, pair.launch_decode))


def check(engine: str, command: str) -> None:
    """Every option is known, has a value of its kind, and is said once; a file of options holds known ones."""
    written, _, own = command.rpartition("&& ")
    words = shlex.split(own[max(0, own.find("trtllm-serve")) :])  # what stands before starts several hosts
    options = [word for word in words if re.match(r"--?[a-z]", word)]
    assert len(options) == len(set(options)), command
    for at, word in enumerate(words):
        if not word.startswith("--"):
            continue
        name = word[2:].replace("-", "_")
        assert name.removeprefix("no_") in {*RECORDED[engine]["options"], *SHORT.get(engine, ())}, command
        value = words[at + 1] if at + 1 < len(words) else ""
        if name in WHOLE:
            assert int(value) > 0, command
        if name in OBJECTS:
            said = json.loads(value)
            assert said.get("method", "ngram") in METHODS, command
            assert said.get("num_speculative_tokens", 1) > 0, command
    if written:
        text = shlex.split(written)[1].encode().decode("unicode_escape")
        assert {*re.findall(r"^(\w+):", text, re.MULTILINE)} <= {*RECORDED[engine]["options"]}, command


@pytest.mark.repeats
@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize(("model", "gpu"), ASKED)
def test_every_option_of_every_command_is_the_release_s_own(model: str, gpu: str, beside: str) -> None:
    asked = {"model": model, "gpus": [gpu], "limits": {"max_gpus": 32}, **BESIDE[beside]}
    for engine, command in set(commands(llm_calc.plan(**asked))):
        check(engine, command)


@pytest.mark.parametrize("method", ["eagle3", "mtp", "ngram"])
def test_no_plan_starts_sglang_with_a_draft_and_pipeline_stages(method: str) -> None:
    """``check_pipeline_parallel_compat`` of SGLang 0.5.23 lets neither start."""
    found = llm_calc.plan(
        model="deepseek-v3",
        gpus=["h100-80gb-sxm", "h200-141gb-sxm"],
        engines=["sglang"],
        limits={"max_gpus": 32},
        objective="latency",
        workload=PLAIN,
        speculative={"method": method},
    )
    drafting = [each for each in commands(found) if "--speculative-algorithm" in each[1]]
    assert drafting
    assert not any("--pp-size" in command for _, command in drafting)
