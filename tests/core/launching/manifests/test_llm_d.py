"""Values of llm-d's chart hold against its schema, and say what the launch command says."""

import json
import shlex
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from llm_calc.core.launching.command import launch_command
from llm_calc.core.launching.further import Further
from llm_calc.core.launching.manifests.both import both_manifests
from llm_calc.core.launching.manifests.made import manifests_of
from llm_calc.core.launching.manifests.served import Served
from llm_calc.core.parallelism import Layout
from tests.adapters.planning.test_apart import asked
from tests.core.launching.manifests.test_manifests import VALUES, served, validator

ONE_HOST = (Layout(), Layout(tensor=4), Layout(tensor=2, data=2), Layout(data=8, expert=8))
SET_BY_CHART = ("--tensor-parallel-size", "--data-parallel-size", "--port")


def side(engine: str = "vllm", gpu: str = "h100-80gb-sxm", layout: Layout = Layout(), **other: Any) -> Served:
    """One of two sides: the caches travel."""
    each = served(engine, gpu, layout, **other)
    return replace(each, launch=replace(each.launch, beside={"side": "prefill"}))


def values(prefill: Served, decode: Served) -> tuple[dict[str, Any], list[str]]:
    objects, notes = both_manifests(prefill, decode, ["llm_d"])
    (found,) = objects["llm_d"]
    assert [error.message for error in validator(*VALUES).iter_errors(found)] == []
    return found, notes


def rendered(found: dict[str, Any], name: str) -> list[str]:
    """A side's command as ``templates/_helpers.tpl`` of the chart writes it (``vllmServeModelCommand``)."""
    part = found[name]
    protocol, _, path = found["modelArtifacts"]["uri"].partition("://")
    mount = found["modelArtifacts"]["mountPath"]
    proxy = found["routing"]["proxy"]
    port = proxy["targetPort"] if name == "decode" and proxy["enabled"] else found["routing"]["servicePort"]
    words = [path if protocol == "hf" else f"{mount}/{path.partition('/')[2]}", "--port", str(port)]
    for key, option in (("tensor", "tensor"), ("data", "data"), ("dataLocal", "data")):
        if (size := part["parallelism"][key]) > 1:
            words += [f"--{option}-parallel-size{'-local' if key == 'dataLocal' else ''}", str(size)]
    (container,) = part["containers"]
    assert container["modelCommand"] == "vllmServe"
    return [
        "vllm",
        "serve",
        *words,
        "--served-model-name",
        found["modelArtifacts"]["name"],
        *container["args"],
    ]


def options(words: list[str]) -> dict[str, str]:
    """Options by name; a flag has none."""
    ahead = [*words[1:], "--"]
    return {
        word: "" if after.startswith("--") else after
        for word, after in zip(words, ahead, strict=True)
        if word.startswith("--")
    }


@pytest.mark.parametrize(("first", "second"), list(product(ONE_HOST, ONE_HOST)))
def test_both_sides_say_what_their_commands_say(first: Layout, second: Layout) -> None:
    sides = {"prefill": side(layout=first), "decode": side(layout=second, replicas=5)}
    found, _ = values(sides["prefill"], sides["decode"])
    for name, each in sides.items():
        said = options(rendered(found, name))
        port, served_as = said.pop("--port"), said.pop("--served-model-name")
        local = said.pop("--data-parallel-size-local", None)
        assert said == options(shlex.split(launch_command(each.launch)))
        assert "--kv-transfer-config" in said
        assert (served_as, local) == ("Qwen/Qwen3-8B", said.get("--data-parallel-size"))
        part = found[name]
        (container,) = part["containers"]
        assert container["ports"] == [{"name": "http", "containerPort": int(port)}]
        assert part["replicas"] == each.replicas
        gpus = part["parallelism"]["tensor"] * part["parallelism"]["dataLocal"]
        assert container["resources"]["limits"] == {"nvidia.com/gpu": str(gpus)}
        env = {each["name"]: each.get("valueFrom") for each in container["env"]}
        assert env["VLLM_NIXL_SIDE_CHANNEL_HOST"] == {"fieldRef": {"fieldPath": "status.podIP"}}
        assert container["extraConfig"]["startupProbe"]["httpGet"] == {"path": "/health", "port": "http"}
        assert not set(SET_BY_CHART) & set(container["args"])


def test_the_proxy_stands_before_the_side_that_decodes() -> None:
    """``--connector`` is taken by the proxy until its release 0.9: pkg/sidecar/proxy/options.go of llm-d-router."""
    found, notes = values(side(), side())
    proxy = found["routing"]["proxy"]
    assert (found["routing"]["servicePort"], proxy["targetPort"]) == (8000, 8200)
    assert proxy["connector"] == "nixlv2"
    assert proxy["image"].endswith("-disagg-sidecar:v0.9.0")
    told = " ".join(notes)
    assert "llm-d-modelservice v0.4.12 (2026-04-22)" in told
    assert "those of llm-d.ai/model=qwen3-8b at port 8000, with llm-d.ai/role" in told
    assert found["modelArtifacts"]["labels"]["llm-d.ai/model"] == found["fullnameOverride"] == "qwen3-8b"


@pytest.mark.parametrize(
    ("gpu", "kind", "resource", "image"),
    [
        ("h100-80gb-sxm", "nvidia", "nvidia.com/gpu", "vllm/vllm-openai:v0.33.0"),
        ("mi300x", "amd", "amd.com/gpu", "vllm/vllm-openai-rocm:v0.33.0"),
        ("arc-pro-b60", "intel-xe", "gpu.intel.com/xe", "vllm/vllm-openai-xpu:v0.33.0"),
        ("max-1550", "intel-i915", "gpu.intel.com/i915", "vllm/vllm-openai-xpu:v0.33.0"),
    ],
)
def test_chips_have_the_charts_names(gpu: str, kind: str, resource: str, image: str) -> None:
    """``accelerator.resources`` of the chart's values.yaml."""
    found, notes = values(side(gpu=gpu), side())
    assert found["accelerator"] == {"type": "nvidia"}
    assert found["prefill"].get("accelerator", found["accelerator"]) == {"type": kind}
    (container,) = found["prefill"]["containers"]
    assert (container["image"], container["resources"]["limits"]) == (image, {resource: "1"})
    (_, others) = values(side(gpu=gpu), side(gpu=gpu))
    assert any(f"look whether {image} has it" in note for note in others) is (kind != "nvidia")
    assert any("look whether" in note for note in notes) is (kind != "nvidia")


def test_replicas_that_do_both_need_no_proxy() -> None:
    objects, notes = manifests_of(served(layout=Layout(tensor=2)), ["llm_d"])
    (found,) = objects["llm_d"]
    assert [*validator(*VALUES).iter_errors(found)] == []
    assert found["prefill"] == {"create": False}
    assert found["routing"] == {"servicePort": 8000, "proxy": {"enabled": False}}
    words = rendered(found, "decode")
    assert words[:5] == ["vllm", "serve", "Qwen/Qwen3-8B", "--port", "8000"]
    assert "SIDE_CHANNEL" not in json.dumps(found)
    assert not any("llm-d.ai/role" in note for note in notes)


def test_a_model_at_hand_lies_in_a_volume() -> None:
    found, notes = values(side(at_hand=True), side(at_hand=True))
    assert found["modelArtifacts"]["uri"] == "pvc://qwen3-8b-models/Qwen/Qwen3-8B"
    (claim,) = found["extraObjects"]
    assert (claim["kind"], claim["metadata"]["name"]) == ("PersistentVolumeClaim", "qwen3-8b-models")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert rendered(found, "decode")[2] == "/model-cache/Qwen/Qwen3-8B"
    assert any("the volume keeps the model" in note for note in notes)


def test_the_schema_refuses_what_the_chart_does_not_read() -> None:
    found, _ = values(side(), side())
    schema = validator(*VALUES)
    for path in ([], ["decode"], ["prefill", "parallelism"], ["routing", "proxy"], ["modelArtifacts"]):
        wrong = json.loads(json.dumps(found))
        part = wrong
        for key in path:
            part = part[key]
        part["pipeline"] = 2
        assert not schema.is_valid(wrong), path
    found["decode"]["containers"][0]["livenessProbes"] = {}
    assert not schema.is_valid(found)


@pytest.mark.parametrize(
    ("each", "reason"),
    [
        (side("sglang"), "none of sglang"),
        (side("trtllm"), "none of trtllm"),
        (side(layout=Layout(tensor=4, pipeline=2)), "no pipeline"),
        (side(layout=Layout(tensor=16)), "over several hosts"),
        (side(gpu="tpu-v6e"), "no public image of vllm 0.33.0 for tpu-v6e"),
        (side(model="{{ .Values }}"), "as a template"),
    ],
)
def test_what_the_chart_does_not_take_is_said(each: Served, reason: str) -> None:
    for prefill, decode in ((each, each), (each, side(model=each.launch.model))):
        objects, notes = both_manifests(prefill, decode, ["llm_d"])
        assert objects == {}
        assert any(
            "llm_d of prefill and decode apart is not made" in note and reason in note for note in notes
        )
    objects, notes = manifests_of(each, ["llm_d"])
    assert objects == {}
    assert reason in notes[0]


def test_a_port_that_is_asked_for_is_the_services() -> None:
    each = side()
    told = Further(name="port", on=None, texts=("8200",), keys=(), json="8200")
    asks = replace(each, launch=replace(each.launch, further=(told,)))
    found, _ = values(asks, asks)
    routing = found["routing"]
    assert (routing["servicePort"], routing["proxy"]["targetPort"]) == (8200, 8201)
    assert options(rendered(found, "prefill"))["--port"] == "8200"
    assert "--port" not in found["decode"]["containers"][0]["args"]


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_a_plan_with_both_apart_has_values(engine: str) -> None:
    plan = asked(engine, "concurrency", manifests=["llm_d"])["apart"][0]
    if engine == "sglang":
        assert plan["manifests"] == {}
        assert any("llm-d's chart writes the command of vLLM" in note for note in plan["notes"])
        return
    (found,) = plan["manifests"]["llm_d"]
    assert [*validator(*VALUES).iter_errors(found)] == []
    assert found["prefill"]["replicas"] == plan["disaggregated"]["prefill_replicas"]
    assert found["decode"]["replicas"] == plan["disaggregated"]["decode_replicas"]
    for name, command in (("prefill", plan["launch_prefill"]), ("decode", plan["launch_decode"])):
        said = options(rendered(found, name))
        assert options(shlex.split(command)).items() <= said.items()
