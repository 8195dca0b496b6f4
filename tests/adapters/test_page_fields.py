"""Fields that the page draws as the service lists them: each is taken by a request, and what links make of them."""

from typing import Any

import pytest

from llm_calc.adapters.links import requests_of
from llm_calc.adapters.page_fields import JSON_KEY, REQUESTS, foreign_parts, further_fields, further_groups
from llm_calc.core.errors import InvalidInputError
from llm_calc.library import estimate, memory_plan

FIELDS = further_fields()
BEGINNING = "?v=1&m=llama-3.1-8b&w=&n=1"


def body(query: str, to: str = "estimate") -> dict[str, Any]:
    (asked,) = requests_of(f"{BEGINNING}&{query}")
    return asked.deployment(to=to)


def test_every_field_says_what_it_is() -> None:
    for path, field in FIELDS.items():
        assert field["label"], path
        assert field["help"], path
        assert field["kind"] in ("number", "flag", "choice", "list", "text"), path
        assert field["kind"] != "choice" or len(field["choices"]) > 1, path


def test_an_option_that_several_engines_have_is_sent_alike() -> None:
    kinds: dict[str, set[str]] = {}
    for group in further_groups():
        for field in group["fields"]:
            kinds.setdefault(field["key"], set()).add(field["kind"])
    assert {path for path, found in kinds.items() if len(found) > 1} == set()


def test_every_part_of_a_request_has_a_field_or_is_said_by_the_form() -> None:
    """Wholes that have fields of another shape: several classes, traces, own calibrations are the JSON's."""
    said = {path.partition(".")[0] for path in FIELDS}
    of_the_form = {"model", "workload", "engine", "precision", "hardware", "parallelism", "limits", "prices"}
    of_the_plans = {"gpus", "engines", "formats", "objective", "max_plans"}
    of_fits = {"context_tokens", "concurrency", "cache_types", "least_tokens_per_s"}
    parts = {name for kind in REQUESTS.values() for name in kind.model_fields}
    assert parts - said - of_the_form - of_the_plans - of_fits == {"calibration"}


def test_values_are_of_the_kind_that_the_service_takes() -> None:
    link = (
        "speculative.method=mtp&speculative.draft_tokens=2&engine.enforce_eager=true&disaggregated.link_bytes_per_s=50"
        "&lora.target_modules=q_proj,%20v_proj&parallelism.stage_layers=16,16&hardware.gpus_per_node=4"
    )
    found = body(link)
    assert found["speculative"] == {"method": "mtp", "draft_tokens": 2}
    assert found["engine"]["enforce_eager"] is True
    assert found["disaggregated"] == {"link_bytes_per_s": 50_000_000_000}
    assert found["lora"] == {"target_modules": ["q_proj", "v_proj"]}
    assert found["parallelism"] == {"stage_layers": [16, 16]}
    assert found["hardware"]["gpus_per_node"] == 4


def test_tiers_are_counted_and_gaps_closed() -> None:
    # 2^30 bytes a GiB.
    tiers = body("kv_tiers.2.tier=disk&kv_tiers.2.memory_bytes=2&kv_tiers.0.tier=host")["kv_tiers"]
    assert tiers == [{"tier": "host"}, {"tier": "disk", "memory_bytes": 2 * 2**30}]


def test_of_unlike_gpus_the_first_says_what_is_said_of_all() -> None:
    found = body("g=rtx-4090,rtx-3090&hardware.gpus_per_node=2")["hardware"]
    assert found == [{"gpu": "rtx-4090", "count": 1, "gpus_per_node": 2}, {"gpu": "rtx-3090"}]


def test_json_goes_over_the_request_and_null_takes_away() -> None:
    found = body('json={"workload":{"concurrency":null,"offline":true},"kv_tiers":[]}')
    assert found["workload"] == {"input_tokens": 1024, "output_tokens": 512, "offline": True}
    assert body('json={"kv_tiers":[]}', "memory").keys() == {*body(""), "kv_tiers"}
    assert body('json={"calibration":{}}', "memory").keys() == body("").keys()
    assert body('json={"loar":1}', "memory")["loar"] == 1
    for broken in ("7", "[1]", "{", '{"a":NaN}'):
        with pytest.raises(InvalidInputError, match=f"link: {JSON_KEY}: must be a JSON object"):
            body(f"json={broken}")


def test_what_only_plans_read_is_told() -> None:
    (asked,) = requests_of(f"{BEGINNING}&day.trough_fraction=0.3&owner.purchase_usd.*=30000&lora.rank=8")
    assert asked.for_plans == ["day.trough_fraction", "owner.purchase_usd.*"]
    assert {"day", "owner"} <= set(foreign_parts()["estimate"])
    assert asked.deployment(to="plans")["owner"] == {"purchase_usd": {"h100-80gb-sxm": 30000}}


def test_what_only_plans_read_is_told_of_a_json_object_as_well() -> None:
    said = '{"objective":"cost","limits":{"ttft_s":0.001},"lora":{"rank":8},"rental":null,"manifests":{}}'
    (asked,) = requests_of(f"{BEGINNING}&day.trough_fraction=0.3&json={said}")
    assert asked.for_plans == ["day.trough_fraction", "objective", "limits.ttft_s", "manifests"]
    (twice,) = requests_of(f'{BEGINNING}&day.trough_fraction=0.3&json={{"day":{{"trough_fraction":0.2}}}}')
    assert twice.for_plans == ["day.trough_fraction"]


HOST = "host=desktop-ddr5-6000&hmem=64&len=4096&i=512&o=64&c=1"


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "generic"])
def test_a_host_reaches_every_engine_and_is_named_where_it_takes_none(engine: str) -> None:
    (asked,) = requests_of(f"{BEGINNING}&g=l40s&e={engine}&{HOST}")
    assert asked.serving_estimate["hardware"]["host"]["memory_bytes"] == 64 << 30
    told = estimate(**asked.serving_estimate).assumptions + memory_plan(**asked.memory_plan).assumptions
    assert len([line for line in told if line.startswith("hardware.host: changes nothing")]) == 2


def test_a_host_beside_a_machine_that_is_one_with_its_gpu_is_refused() -> None:
    (asked,) = requests_of(f"{BEGINNING}&g=apple-m4-max&e=mlx&{HOST}")
    with pytest.raises(InvalidInputError, match="shares the machine's memory"):
        estimate(**asked.serving_estimate)


def test_the_memory_of_two_sides_is_that_of_a_decode_replica() -> None:
    """Six GPUs as three replicas of two; of 32 requests each of two decode replicas has 16."""
    query = "n=6&tp=2&disaggregated.prefill_replicas=1&disaggregated.decode_replicas=2"
    (asked,) = requests_of(f"?v=1&m=llama-3.1-70b&{query}")
    plan, served = memory_plan(**asked.memory_plan), estimate(**asked.serving_estimate)
    assert (plan.asked_sequences, plan.fits) == (16, True)
    assert served.resolved.decode is not None
    assert "planned is one of 2 decode replicas" in " ".join(plan.assumptions)
    with pytest.raises(InvalidInputError, match="the replicas take 6 GPUs; it is 4"):
        memory_plan(**{**asked.memory_plan, "hardware": {"gpu": "h100-80gb-sxm", "count": 4}})
