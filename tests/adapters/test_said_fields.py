"""Whatever a request can say changes its answer, is named in it, or is refused: asked field by field of the schema."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import Operation
from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.core.errors import CalcError

pytestmark = pytest.mark.repeats  # many answers of the same lines
Schema = dict[str, Any]
Path = tuple[str, ...]
DEEPEST = 5
LENGTHS = {"input_tokens": 1024, "output_tokens": 256}
SIZES = [1, 3, 4096]
NUMBERS = [0.3, 3.0]
DEFAULTS: dict[str, set[Any]] = {
    # What the engines do where nothing is said (catalogs/engines), for a plain model on two GPUs of one host.
    "async_scheduling": {True},
    "block_size": {16},
    "cpu_moe": {False},
    "cuda_graph": {True},
    "cudagraph_mode": {"FULL_AND_PIECEWISE"},
    "decode_context_parallel_size": {1},
    "dcp_size": {1},
    "disable_cuda_graph": {False},
    "disable_hybrid_kv_cache_manager": {False},
    "disable_hybrid_swa_memory": {False},
    "disable_overlap_schedule": {False},
    "disable_prefill_cuda_graph": {False},
    "disable_radix_cache": {False},
    "enable_attention_dp": {False},
    "enable_block_reuse": {True},
    "enable_chunked_prefill": {True},
    "trtllm.enable_chunked_prefill": {False},
    "enable_dp_attention": {False},
    "enable_eplb": {False},
    "enable_expert_parallel": {False},
    "enforce_eager": {False},
    "fit": {True},
    "fit_ctx": {4096},
    "flash_attn": {True},
    "kv_unified": {True},
    "language_model_only": {False},
    "mm_encoder_tp_mode": {"weights"},
    "skip_mm_profiling": {False},
    "mamba_radix_cache_strategy": {"auto"},
    "mamba_ssm_cache_dtype": {"auto"},
    "n_batch": {4096},  # the fitted context holds no more than n_batch of it at once
    "no_kv_offload": {False},
    "offload_kqv": {True},
    "op_offload": {True},
    "performance_mode": {"balanced"},
    "swa_full": {False},
    "usage_context": {"OPENAI_API_SERVER"},
    "objective": {"cost"},
    "percentile": {"mean"},
    "prefill_apart": {False},
    "rental": {"on_demand"},
    "turns": {1},  # a session of one turn is a request by itself
    "concurrency": {1},
    "batch": {1},
    "count": {1},
    "draft_tokens": {3},
    # One GPU of a kind where one is asked about.
    "tensor": {1},
    "pipeline": {1},
    "data": {1},
    "expert": {1},
    "prefill_replicas": {1},
    "decode_replicas": {1},
    "tensor_parallel_size": {1},
    "pipeline_parallel_size": {1},
    "data_parallel_size": {1},
    "tp_size": {1},
    "pp_size": {1},
    "dp_size": {1},
    "attn_dp_size": {1},
    "ep_size": {1},
}


# Lists whose entries are asked field by field: which entry.
ENTRIES = {"kv_tiers": "0", "scenarios": "1"}


def resolved(schema: Schema, known: Schema) -> Schema:
    while "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    return schema


def leaves(schema: Schema, known: Schema, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Every field of a request that takes one value, with its schema."""
    schema = resolved(schema, known)
    for other in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
        yield from leaves(other, known, path)
    if path and path[-1] in ENTRIES and schema.get("type") == "array":
        yield from leaves(schema["items"], known, (*path, ENTRIES[path[-1]]))
    elif "properties" in schema and len(path) < DEEPEST:
        for name, inner in schema["properties"].items():
            yield from leaves(inner, known, (*path, name))
    elif path:
        yield path, schema


def values(schema: Schema) -> list[Any]:
    if "enum" in schema or "const" in schema:
        return list(schema.get("enum", [schema.get("const")]))
    kinds: dict[str, list[Any]] = {"boolean": [True, False], "integer": SIZES, "number": NUMBERS}
    return kinds.get(schema.get("type", ""), [])


def with_value(body: Schema, path: Path, value: object) -> Schema:
    found = copy.deepcopy(body)
    inner: Any = found
    for name in path[:-1]:
        inner = inner[int(name)] if isinstance(inner, list) else inner.setdefault(name, {})
        if not isinstance(inner, (dict, list)):
            return {}
    if isinstance(inner, list):
        return {}
    inner[path[-1]] = value
    return found


def said(body: Schema, path: Path) -> object:
    inner: Any = body
    for name in path:
        known = inner if isinstance(inner, dict) else {}
        inner = inner[int(name)] if isinstance(inner, list) else known.get(name)
    return inner


def answer(operation: Operation[Any, Any], body: Schema) -> str | None:
    """The answer as text, without its copy of the questions; None where the question is refused."""
    try:
        return str(operation.answered(body, load_catalogs()).model_dump_json(exclude={"differences"}))
    except CalcError:
        return None


def usually(body: Schema, name: str) -> set[Any]:
    """What an engine does by itself, under its own name where engines differ."""
    own = f"{said(body, ('engine', 'name'))}.{name}"
    return DEFAULTS.get(own, DEFAULTS.get(name, set()))


def silent(operation: Operation[Any, Any], body: Schema) -> list[str]:
    """What may be said in vain: fields with a value that is not what is done anyway and changes no letter."""
    schema = operation.request.model_json_schema()
    plain = answer(operation, body)
    assert plain is not None
    fields = {
        (path, json.dumps(kind, sort_keys=True)): kind for path, kind in leaves(schema, schema["$defs"])
    }
    engine = body.get("engine", {}).get("name")
    options = set() if engine is None else set(ENGINE_PARTS[engine].model_fields)
    found = []
    for (path, _), kind in fields.items():
        if path[0] == "model" or (path[0] == "engine" and not options.intersection(path[1:2])):
            continue
        for value in values(kind):
            usual = value in usually(body, path[-1]) or value == said(body, path)
            if not usual and answer(operation, with_value(body, path, value)) == plain:
                found.append(f"{'.'.join(path)}={value}")
    return found


# Limits that nothing of the question reaches are kept without a word, as they would be by the engine.
REACHED_BY_NOTHING = {
    "least_tokens_per_s",
    "hardware.gpus_per_node",
    "scenarios.1.hardware.gpus_per_node",
    "disaggregated.decode_hardware.gpus_per_node",
    "max_models",
    "max_gpus",
    "max_plans",
    "limits.ttft_s",
    "limits.tpot_s",
    "limits.request_latency_s",
}


def beyond_limits(found: list[str]) -> list[str]:
    return [each for each in found if each.partition("=")[0] not in REACHED_BY_NOTHING]


def deployment(engine: str) -> Schema:
    return {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
        "engine": {"name": engine},
        "workload": {**LENGTHS, "concurrency": 8},
    }


@pytest.mark.parametrize("engine", list(ENGINE_PARTS))
def test_a_memory_plan_keeps_silent_of_nothing(engine: str) -> None:
    body = deployment(engine)
    if engine == "mlx":
        body["hardware"] = {"gpu": "apple-m3-ultra"}
        body["parallelism"] = dict.fromkeys(("tensor", "pipeline", "data", "expert"), 1)
    if (
        engine == "llama.cpp"
    ):  # as many as it has slots for: of what fits no GPU no other is looked for, each time anew
        body["workload"]["concurrency"] = 4
    assert silent(operations.MEMORY_PLAN, body) == []


def test_an_inspection_keeps_silent_of_nothing() -> None:
    body = {"model": {"name": "llama-3.1-8b"}, "engine": {"name": "llama.cpp"}}
    assert silent(operations.INSPECT_MODEL, body) == []


def test_an_inspection_of_a_model_that_sees_keeps_silent_of_nothing() -> None:
    body = {"model": {"name": "qwen3-vl-8b"}, "workload": {"images": {"width": 1920, "height": 1080}}}
    assert silent(operations.INSPECT_MODEL, body) == []


@pytest.mark.parametrize("engine", list(ENGINE_PARTS))
def test_an_estimate_keeps_silent_of_nothing(engine: str) -> None:
    body = deployment(engine)
    if engine == "mlx":
        body["hardware"] = {"gpu": "apple-m3-ultra"}
    assert beyond_limits(silent(operations.SERVING_ESTIMATE, body)) == []


APART = {
    "hardware": {"gpu": "h100-80gb-sxm"},
    "parallelism": {"tensor": 1},
    "disaggregated": {
        "decode_hardware": {"gpu": "h200-141gb-sxm", "count": 2},
        "decode_parallelism": {"tensor": 2},
    },
}


@pytest.mark.parametrize(
    ("engine", "also"),
    [
        ("vllm", {}),
        (
            "sglang",
            {
                "speculative": {"method": "eagle3"},
                "lora": {"rank": 16, "adapters": 2, "target_modules": ["q_proj"]},
            },
        ),
        (
            "generic",
            {"workload": {**LENGTHS, "concurrency": 8, "sessions": {"turns": 3, "think_s": 1.0}}},
        ),
    ],
)
def test_prefill_and_decode_apart_keep_silent_of_nothing(engine: str, also: Schema) -> None:
    body = {**deployment(engine), **APART, **also}
    assert beyond_limits(silent(operations.SERVING_ESTIMATE, body)) == []


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (
            operations.FIT,
            {"model": {"name": "gemma-3-27b"}, "hardware": {"gpu": "rtx-4090"}, "context_tokens": 8192},
        ),
        (operations.MODELS_FOR, {"hardware": {"gpu": "rtx-4090"}, "context_tokens": 8192, "family": "Llama"}),
    ],
)
def test_questions_of_ones_own_machine_keep_silent_of_nothing(
    operation: Operation[Any, Any], body: Schema
) -> None:
    assert beyond_limits(silent(operation, body)) == []


PLANNED = {
    "model": {"name": "llama-3.1-8b"},
    "gpus": ["h100-80gb-sxm"],
    "engines": ["vllm"],
    "formats": ["bf16"],
    "max_plans": 1,
}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (operations.DEPLOYMENT_PLANS, {**PLANNED, "workload": {**LENGTHS, "concurrency": 8}}),
        (
            operations.RECOMMEND_GPUS,
            {
                "model": {"name": "llama-3.1-8b"},
                "gpus": ["h100-80gb-sxm"],
                "context_tokens": 2048,
                "engine": {"name": "vllm"},
            },
        ),
    ],
)
def test_plans_keep_silent_of_nothing(operation: Operation[Any, Any], body: Schema) -> None:
    assert beyond_limits(silent(operation, body)) == []


AT_A_RATE = {**PLANNED, "workload": {**LENGTHS, "request_rate": 20}}
OWNER = {
    "purchase_usd": {"h100-80gb-sxm": 30_000},
    "years": 4,
    "pue": 1.3,
    "usd_per_kwh": 0.1,
    "host_power_fraction": 0.2,
}
TURNS = {**LENGTHS, "concurrency": 8, "sessions": {"turns": 4, "think_s": 5.0}}
TIERS = [{"tier": "host", "memory_bytes": 1e11, "bandwidth_bytes_per_s": 5e10}]


@pytest.mark.parametrize(
    "body",
    [
        {**AT_A_RATE, "day": {"trough_fraction": 0.2, "spare_replicas": 2}},
        {**AT_A_RATE, "day": {"rates_per_s": [5] * 12 + [20] * 12}, "owner": OWNER},
        {**PLANNED, "workload": TURNS, "kv_tiers": TIERS},
        {
            **PLANNED,
            "workload": {**LENGTHS, "concurrency": 8},
            "speculative": {"method": "eagle3"},
            "context_parallel": [1, 2],
        },
    ],
    ids=["spares", "owned", "tiers", "drafts"],
)
def test_fleets_keep_silent_of_nothing(body: Schema) -> None:
    # What a load at random times is held to, and the spare replicas of a day, where nothing is said.
    usual = {"limits.percentile=p90", "day.spare_replicas=1"}
    assert set(beyond_limits(silent(operations.DEPLOYMENT_PLANS, body))) <= usual


SCENARIO = {
    "model": {"name": "llama-3.1-8b"},
    "hardware": {"gpu": "h100-80gb-sxm"},
    "engine": {"name": "vllm"},
    "workload": {**LENGTHS, "concurrency": 8},
}


@pytest.mark.parametrize(
    ("second", "also"),
    [
        ({"workload": {**LENGTHS, "concurrency": 16}}, {"owner": OWNER}),
        ({"hardware": {"gpu": "h100-80gb-sxm", "count": 2}}, {}),
        ({"workload": TURNS, "kv_tiers": TIERS}, {}),
    ],
    ids=["owned", "two GPUs", "tiers"],
)
def test_a_comparison_keeps_silent_of_nothing(second: Schema, also: Schema) -> None:
    body = {"scenarios": [SCENARIO, {**SCENARIO, **second}], **also}
    assert beyond_limits(silent(operations.COMPARE, body)) == []
