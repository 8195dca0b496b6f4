"""Links of the page: the requests behind them, and what is said of broken ones."""

import base64
import json
import math
from typing import Any

import pytest

from llm_calc.adapters.links import link_defaults_text, read_link, requests_of
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.checkpoints.files import FILES
from llm_calc.core.errors import InvalidInputError

PAGE = "http://127.0.0.1:8000/"
EXAMPLE: dict[str, Any] = {
    "model": {"name": "llama-3.1-70b"},
    "precision": {"weights": "fp8", "kv_cache": "auto"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
    "engine": {"name": "vllm", "max_model_len": 16384},
    "workload": {"input_tokens": 1024, "output_tokens": 512, "concurrency": 32},
}
CONFIG = {"model_type": "llama", "name": "größer", "limit": [0.0, math.inf], "id": 2**63 + 1}


def only(link: str) -> dict[str, Any]:
    """The estimate's body of a link with one scenario."""
    (scenario,) = requests_of(link)
    return scenario.serving_estimate


def fragment(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "link", [PAGE, f"{PAGE}?", f"{PAGE}?v=1", "?v=1", "v=1", f" {PAGE}?v=1&data=2026-11-20\n"]
)
def test_an_empty_link_is_the_example(link: str) -> None:
    assert only(link) == EXAMPLE


@pytest.mark.parametrize(
    ("query", "field", "part"),
    [
        ("m=Qwen%2FQwen3-235B-A22B", "model", {"name": "Qwen/Qwen3-235B-A22B"}),
        (
            "m=custom&dh=4096&df=11008&dl=32&dv=32000",
            "model",
            {"custom": {"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000}},
        ),
        (
            "m=custom&dl=40&dq=32&dk=8",
            "model",
            {
                "custom": {
                    "hidden_dim": 4096,
                    "ff_dim": 11008,
                    "num_layers": 40,
                    "vocab_size": 32000,
                    "num_attention_heads": 32,
                    "num_key_value_heads": 8,
                }
            },
        ),
        ("w=", "precision", {"kv_cache": "auto"}),
        ("w=int4-awq&kv=fp8", "precision", {"weights": "int4-awq", "kv_cache": "fp8"}),
        ("g=mi300x&n=8", "hardware", {"gpu": "mi300x", "count": 8}),
        ("tp=4&pp=2&dp=3&ep=8", "parallelism", {"tensor": 4, "pipeline": 2, "data": 3, "expert": 8}),
        ("ep=2", "parallelism", {"expert": 2}),
        ("len=", "engine", {"name": "vllm"}),
        (
            "util=0.85&seqs=64",
            "engine",
            {"name": "vllm", "max_model_len": 16384, "gpu_memory_utilization": 0.85, "max_num_seqs": 64},
        ),
        (
            "e=sglang&util=0.8&seqs=9",
            "engine",
            {
                "name": "sglang",
                "context_length": 16384,
                "mem_fraction_static": 0.8,
                "max_running_requests": 9,
            },
        ),
        (
            "e=trtllm&util=0.8&seqs=9",
            "engine",
            {"name": "trtllm", "max_seq_len": 16384, "free_gpu_memory_fraction": 0.8, "max_batch_size": 9},
        ),
        ("e=llama.cpp&util=0.8&seqs=9", "engine", {"name": "llama.cpp", "n_ctx": 16384, "n_parallel": 9}),
        (
            "e=generic&util=0.8",
            "engine",
            {"name": "generic", "max_model_len": 16384, "memory_utilization": 0.8},
        ),
        ("i=2,048&o=%20512", "workload", {"input_tokens": 2048, "output_tokens": 512, "concurrency": 32}),
        ("load=r&r=2.5", "workload", {"input_tokens": 1024, "output_tokens": 512, "request_rate": 2.5}),
        ("load=b&b=4&i=128&o=1", "workload", {"input_tokens": 128, "output_tokens": 1, "batch": 4}),
        (
            "load=off&px=0.6",
            "workload",
            {"input_tokens": 1024, "output_tokens": 512, "offline": True, "prefix_cache_hit_fraction": 0.6},
        ),
        ("i=&o=&c=", "workload", {}),
        ("c=1&c=7", "workload", {"input_tokens": 1024, "output_tokens": 512, "concurrency": 7}),
        ("ttft=0.5&tpot=0.03&usd=2.1", "hardware", EXAMPLE["hardware"]),
    ],
)
def test_keys_become_fields(query: str, field: str, part: dict[str, Any]) -> None:
    body = only(f"{PAGE}?v=1&{query}")
    assert body[field] == part
    assert {name: each for name, each in body.items() if name != field} == {
        name: each for name, each in EXAMPLE.items() if name != field
    }


def test_further_scenarios_differ_from_the_first() -> None:
    first, second, third = requests_of(f"{PAGE}?v=1&n=4&d.e=sglang&b.g=mi300x&b.n=8")
    assert [each.letter for each in (first, second, third)] == ["A", "B", "C"]
    assert first.serving_estimate["hardware"] == {"gpu": "h100-80gb-sxm", "count": 4}
    assert second.serving_estimate["hardware"] == {"gpu": "mi300x", "count": 8}
    assert third.serving_estimate["hardware"] == first.serving_estimate["hardware"]
    assert third.serving_estimate["engine"] == {"name": "sglang", "context_length": 16384}


def test_pasted_files_stand_in_the_fragment() -> None:
    sources = [
        {"kind": "config", "content": json.dumps(CONFIG)},
        None,
        {"kind": "gguf", "content": "R0dVRg=="},
    ]
    link = f"{PAGE}?v=1&b.n=1&c.n=1&d.n=4#{fragment(sources)}"
    models = [each.serving_estimate["model"] for each in requests_of(link)]
    name = {"name": "llama-3.1-70b"}
    assert models == [{"hf_config": CONFIG}, name, {"gguf_base64": "R0dVRg=="}, name]


def test_the_memory_is_asked_in_the_format_of_the_estimate_where_the_form_leaves_it_open() -> None:
    (open_,) = requests_of(PAGE)
    (fixed,) = requests_of(f"{PAGE}?kv=bf16")
    assert open_.memory_plan == EXAMPLE
    assert open_.deployment("fp8")["precision"]["kv_cache"] == "fp8"
    assert fixed.deployment("fp8")["precision"]["kv_cache"] == "bf16"
    assert MemoryPlanRequest.model_validate(open_.memory_plan).hardware.count == 2
    assert ServingEstimateRequest.model_validate(open_.serving_estimate).hardware.count == 2


def test_a_price_is_told() -> None:
    def price(link: str) -> float | None:
        (scenario,) = requests_of(link)
        return scenario.usd_per_gpu_hour

    assert price(f"{PAGE}?usd=2.1") == 2.1
    assert price(PAGE) is None


def test_what_is_not_known_is_told_and_left_out() -> None:
    link = read_link(f"{PAGE}?v=1&foo=1&b.bar=2&=3&n=1&e.n=4")
    assert link.unknown == ("foo=1", "b.bar=2", "=3", "e.n=4")
    assert len(link.scenarios) == 1


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("", "link: must be an address of the page, such as http"),
        ("hello", "link: must be an address of the page, such as http"),
        ("llama-3.1-8b", "link: must be an address of the page"),
        ("?n=two", "link: n: must be a number or empty, not 'two'"),
        ("?c=inf", "link: c: must be a number or empty, not 'inf'"),
        ("?c=1e999", "link: c: must be a number or empty, not '1e999'"),
        (
            "?e=vlm",
            "link: e: must be one of vllm, sglang, trtllm, llama.cpp, ollama, mlx, generic, not 'vlm'",
        ),
        ("?load=x", "link: load: must be one of c, s, r, b, off, not 'x'"),
        ("?v=2", "link: v: must be 1, the version of links that is known here, not '2'"),
        (f"?n={'9x' * 200}", "…'"),
        (
            "?n=1#%%%",
            "link: what stands behind # holds pasted files and cannot be read; was the link cut off?",
        ),
        (f"?n=1#{fragment([CONFIG])[:-9]}", "was the link cut off?"),
        (
            f"?n=1#{fragment({'a': 1})}",
            "link: what stands behind # must be a list with a pasted file or null",
        ),
        (f"?n=1#{fragment([{'kind': 'gguf'}])}", "must be a list with a pasted file or null"),
    ],
)
def test_broken_links_are_refused_in_sentences(link: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        [each.serving_estimate for each in requests_of(link)]
    assert said in refused.value.message
    assert refused.value.field == "link"


def test_a_scenario_is_named_by_its_letter() -> None:
    link = read_link(f"{PAGE}?b.n=1")
    assert link.scenario(" b ") is link.scenarios[1]
    with pytest.raises(InvalidInputError, match="the link has A, B, not 'C'"):
        link.scenario("C")


def test_files_of_quantizers_travel_beside_a_config() -> None:
    text = '{"quantization":{"quant_algo":"FP8"}}'
    held = {
        "kind": "config",
        "name": "own",
        "content": json.dumps(CONFIG),
        "files": {"hf_quant_config.json": text},
    }
    model = requests_of(f"?n=1#{fragment([held])}")[0].serving_estimate["model"]
    assert model["quantization_files"] == {"hf_quant_config.json": {"quantization": {"quant_algo": "FP8"}}}
    with pytest.raises(InvalidInputError, match="is no config"):
        _ = requests_of(f"?n=1#{fragment([{**held, 'files': {'a.json': '{'}}])}")[0].serving_estimate
    with pytest.raises(InvalidInputError, match="must be a list with a pasted file or null"):
        requests_of(f"?n=1#{fragment([{**held, 'files': [1]}])}")
    assert json.loads(link_defaults_text())["files_beside"] == list(FILES)


def test_a_value_that_another_takes_the_place_of_is_told() -> None:
    found = read_link("/?v=1&n=1&n=2&b.m=x&b.m=y")
    assert found.replaced == (
        "'n' is said again: '2' takes the place of '1'",
        "'b.m' is said again: 'y' takes the place of 'x'",
    )
    assert found.unknown == ()
    assert found.scenarios[0].state["n"] == "2"
    assert read_link("/?v=1&n=2&n=2").replaced == ()


@pytest.mark.parametrize(
    ("link", "unsaid"),
    [
        ("/?v=1&g=l40s", [False]),
        ("/?v=1&m=qwen3-8b", [True]),
        ("/?v=1&m=qwen3-8b&w=", [False]),
        ("/?v=1&m=qwen3-8b&b.w=bf16", [True, False]),
        ("/?v=1&b.m=qwen3-8b", [False, True]),
        ("/?v=1&w=bf16&b.m=qwen3-8b", [False, False]),
    ],
)
def test_links_tell_where_a_model_has_no_format(link: str, unsaid: list[bool]) -> None:
    assert [each.unsaid_format for each in read_link(link).scenarios] == unsaid
