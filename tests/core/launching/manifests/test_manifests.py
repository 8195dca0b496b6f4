"""Manifests hold against published schemas, closed against unknown fields, and say what the launch command says."""

import json
import re
import shlex
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.planning.launch_catalog import launch_rules, load_launch_rules, load_resources
from llm_calc.adapters.wire.plan_parts import ManifestKind
from llm_calc.core.launching.command import Launch, launch_command
from llm_calc.core.launching.manifests.made import manifests_of
from llm_calc.core.launching.manifests.served import Served, start_seconds
from llm_calc.core.parallelism import Layout

SCHEMAS = json.loads(
    (Path(__file__).parents[3] / "golden/kubernetes_schemas.json").read_text(encoding="utf-8")
)
LAYOUTS = (
    Layout(),
    Layout(tensor=8),
    Layout(tensor=8, pipeline=2),
    Layout(data=16, expert=16),
    Layout(tensor=4, data=4, expert=16),
)
GPUS = ("h100-80gb-sxm", "mi300x", "mi355x", "arc-pro-b60", "max-1550", "tpu-v6e", "gaudi3")
KINDS: tuple[ManifestKind, ...] = ("kubernetes", "leader_worker_set", "kserve", "dynamo", "llm_d")
VALUES = "llm-d-incubation/llm-d-modelservice", "values"


@cache
def validator(api: str, kind: str) -> Draft202012Validator:
    return Draft202012Validator({**SCHEMAS["roots"][f"{api}/{kind}"], "$defs": SCHEMAS["$defs"]})


def served(
    engine: str = "vllm", gpu: str = "h100-80gb-sxm", layout: Layout = Layout(), **other: Any
) -> Served:
    model = "Qwen3-8B-q4_k_m.gguf" if engine == "llama.cpp" else "Qwen/Qwen3-8B"
    cache_type = "q8_0" if engine == "llama.cpp" else "fp8"
    launch = Launch(
        rules=launch_rules(engine),
        model=other.pop("model", model),
        layout=layout,
        gpus_per_node=8,
        context_tokens=4096,
        kv_cache=cache_type,
        layers=36,
    )
    rest: dict[str, Any] = {
        "version": "0.33.0",
        "replicas": 3,
        "weights_bytes": 16e9,
        "checkpoint_bytes": 16e9,
    } | other
    return Served(launch=launch, gpu=load_catalogs().gpu(gpu), **rest)


def made(each: Served, kind: ManifestKind) -> dict[str, dict[str, Any]]:
    objects, notes = manifests_of(each, [kind])
    assert kind in objects, notes
    return {found["kind"]: found for found in objects[kind]}


@pytest.mark.parametrize(("engine", "gpu", "layout"), list(product(load_launch_rules(), GPUS, LAYOUTS)))
def test_every_object_is_one_of_its_published_kind(engine: str, gpu: str, layout: Layout) -> None:
    objects, notes = manifests_of(served(engine, gpu, layout), KINDS)
    assert len(objects) + len([note for note in notes if "not made" in note]) == len(KINDS)
    for found in (each for several in objects.values() for each in several):
        schema = validator(found["apiVersion"], found["kind"]) if "kind" in found else validator(*VALUES)
        assert [error.message for error in schema.iter_errors(found)] == []


def test_the_schemas_refuse_a_field_that_does_not_exist() -> None:
    deployment = made(served(), "kubernetes")["Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    assert not validator("apps/v1", "Deployment").is_valid(deployment)
    group = made(served(layout=Layout(tensor=8, pipeline=2)), "leader_worker_set")["LeaderWorkerSet"]
    group["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["shm"] = 1
    assert not validator("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet").is_valid(group)


def container(found: dict[str, Any]) -> dict[str, Any]:
    spec = found["spec"]["template"]["spec"]
    assert [each["mountPath"] for each in spec["containers"][0]["volumeMounts"]]
    only: dict[str, Any] = spec["containers"][0]
    return only


def test_a_deployment_of_one_host_says_what_the_command_says() -> None:
    each = served(layout=Layout(tensor=4))
    objects = made(each, "kubernetes")
    engine = container(objects["Deployment"])
    assert [*engine["command"], *engine["args"]] == shlex.split(launch_command(each.launch))
    assert (engine["image"], engine["resources"]) == (
        "vllm/vllm-openai:v0.33.0",
        {"limits": {"nvidia.com/gpu": "4"}},
    )
    assert objects["Deployment"]["spec"]["replicas"] == 3
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Service"]["spec"]["selector"].items() <= labels.items()
    assert objects["Service"]["spec"]["ports"][0]["targetPort"] == engine["ports"][0]["name"] == "http"
    claim = objects["PersistentVolumeClaim"]
    volumes = objects["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert claim["metadata"]["name"] == volumes[0]["persistentVolumeClaim"]["claimName"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]


# The tags of the images say 0.5.20 and, of Dynamo's release 1.3.0, 0.5.14
@pytest.mark.parametrize(
    ("gpu", "version", "words"),
    [
        ("h200-141gb-sxm", "0.5.23", ["--attn-dp-size", "4"]),
        ("h200-141gb-sxm", "0.5.21", ["--dp-size", "4", "--enable-dp-attention"]),
        ("mi355x", "0.5.23", ["--dp-size", "4", "--enable-dp-attention"]),
    ],
)
def test_options_are_those_of_the_release_in_the_image(gpu: str, version: str, words: list[str]) -> None:
    each = served("sglang", gpu, Layout(tensor=2, data=4), version=version)
    each = replace(each, launch=replace(each.launch, release=version))
    engine = container(made(each, "kubernetes")["Deployment"])
    said = [*engine["command"], *engine["args"]]
    start = said.index(words[0])
    assert said[start : start + len(words)] == words
    assert ("--enable-dp-attention" in said) == ("--enable-dp-attention" in words)


@pytest.mark.parametrize(
    ("engine", "gpu", "resource", "image", "port"),
    [
        ("vllm", "mi300x", "amd.com/gpu", "vllm/vllm-openai-rocm:v0.33.0", 8000),
        ("vllm", "arc-pro-b60", "gpu.intel.com/xe", "vllm/vllm-openai-xpu:v0.33.0", 8000),
        ("vllm", "max-1550", "gpu.intel.com/i915", "vllm/vllm-openai-xpu:v0.33.0", 8000),
        ("sglang", "mi355x", "amd.com/gpu", "lmsysorg/sglang-rocm:v0.5.20-rocm10-mi35x-20260920", 30000),
        ("llama.cpp", "mi300x", "amd.com/gpu", "ghcr.io/ggml-org/llama.cpp:server-rocm-0.33.0", 8080),
    ],
)
def test_chips_images_and_ports_are_the_vendors(
    engine: str, gpu: str, resource: str, image: str, port: int
) -> None:
    found = container(made(served(engine, gpu), "kubernetes")["Deployment"])
    assert (found["resources"]["limits"], found["image"]) == ({resource: "1"}, image)
    assert (found["ports"][0]["containerPort"], found["startupProbe"]["httpGet"]["path"]) == (port, "/health")


@pytest.mark.parametrize("engine", ["sglang", "trtllm", "llama.cpp"])
def test_servers_that_listen_on_their_own_host_alone_are_told_otherwise(engine: str) -> None:
    found = container(made(served(engine), "kubernetes")["Deployment"])
    assert "--host 0.0.0.0" in " ".join(found["args"])


def test_llama_cpp_keeps_the_program_of_its_image() -> None:
    found = container(made(served("llama.cpp"), "kubernetes")["Deployment"])
    assert "command" not in found
    assert found["args"][:2] == ["--model", "Qwen3-8B-q4_k_m.gguf"]
    assert found["workingDir"] == "/models"


def test_tensorrt_llm_writes_its_options_file_before_it_starts() -> None:
    found = container(made(served("trtllm", layout=Layout(tensor=2)), "kubernetes")["Deployment"])
    assert found["command"] == ["/bin/bash", "-lc"]
    assert found["args"][0].startswith("printf 'kv_cache_config:")
    assert "&& trtllm-serve Qwen/Qwen3-8B --tp_size 2" in found["args"][0]


def test_a_start_has_the_time_to_read_the_weights() -> None:
    each = served(weights_bytes=671e9)
    probe = container(made(each, "kubernetes")["Deployment"])["startupProbe"]
    # 900 s and 671e9 bytes at 1e8 bytes/s
    assert probe["periodSeconds"] * probe["failureThreshold"] == start_seconds(each) == 7610


def group_words(engine: str, layout: Layout) -> tuple[list[str], list[str], dict[str, Any]]:
    objects = made(served(engine, layout=layout), "leader_worker_set")
    spec = objects["LeaderWorkerSet"]["spec"]["leaderWorkerTemplate"]
    leader, worker = (spec[name]["spec"]["containers"][0] for name in ("leaderTemplate", "workerTemplate"))
    assert "startupProbe" in leader
    assert "startupProbe" not in worker
    assert leader["resources"] == worker["resources"] == {"limits": {"nvidia.com/gpu": "8"}}
    selector = objects["Service"]["spec"]["selector"]
    assert selector["role"] == spec["leaderTemplate"]["metadata"]["labels"]["role"]
    assert "role" not in spec["workerTemplate"]["metadata"]["labels"]
    return leader["args"], worker["args"], spec


def test_vllm_over_two_hosts_is_a_group_without_ray() -> None:
    leader, worker, spec = group_words("vllm", Layout(tensor=8, pipeline=2))
    text = " ".join(leader)
    assert "--nnodes 2 --node-rank $(LWS_WORKER_INDEX) --master-addr $(LWS_LEADER_ADDRESS)" in text
    assert [*leader, "--headless"] == worker
    assert spec["size"] == 2
    assert "ray" not in text


def test_sglang_over_two_hosts_is_the_same_command_twice() -> None:
    leader, worker, _ = group_words("sglang", Layout(tensor=16))
    assert leader == worker
    assert (
        "--nnodes 2 --node-rank $(LWS_WORKER_INDEX) --dist-init-addr $(LWS_LEADER_ADDRESS):20000"
        in " ".join(leader)
    )


def test_kserve_runs_one_host_by_the_engines_container_and_several_by_its_own() -> None:
    one = made(served(layout=Layout(tensor=2)), "kserve")["InferenceService"]
    predictor = one["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (3, 3)
    assert predictor["containers"][0]["name"] == "kserve-container"
    two = made(served(layout=Layout(tensor=4, data=4, expert=16)), "kserve")["LLMInferenceService"]["spec"]
    assert two["parallelism"] == {"tensor": 4, "data": 4, "dataLocal": 2, "expert": True}
    assert two["model"] == {"uri": "hf://Qwen/Qwen3-8B", "name": "Qwen/Qwen3-8B"}
    main = two["template"]["containers"][0]
    assert main["env"] == [
        {"name": "VLLM_ADDITIONAL_ARGS", "value": "--max-model-len 4096 --kv-cache-dtype fp8"}
    ]
    assert main["resources"] == two["worker"]["containers"][0]["resources"]


@pytest.mark.parametrize(
    ("each", "kind", "reason"),
    [
        (served(layout=Layout(tensor=8, pipeline=2)), "kubernetes", "ask for leader_worker_set"),
        (served(), "leader_worker_set", "ask for kubernetes"),
        (served("trtllm", layout=Layout(tensor=16)), "leader_worker_set", "MPI or Slurm"),
        (
            served(layout=Layout(tensor=8, pipeline=2)),
            "kserve",
            "data-parallel groups that each lie on one host",
        ),
        (served(gpu="tpu-v6e"), "kubernetes", "no public image of vllm 0.33.0 for tpu-v6e is known"),
        (served(gpu="apple-m3-max"), "kubernetes", "no public image of vllm"),
    ],
)
def test_what_is_not_made_says_why(each: Served, kind: ManifestKind, reason: str) -> None:
    objects, notes = manifests_of(each, [kind])
    assert objects == {}
    assert len(notes) == 1
    assert reason in notes[0]


def test_an_image_of_another_release_is_named() -> None:
    _, notes = manifests_of(served("sglang", "mi355x", version="0.5.23"), ["kubernetes"])
    assert notes == ["manifests: the image is of 0.5.20; rules and options are those of 0.5.23"]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("org/Llama-3.1-8B_Instruct", "llama-3-1-8b-instruct"),
        ("01-ai/34B", "m-34b"),
        ("a/" + "x" * 80, "x" * 50),
    ],
)
def test_names_are_labels_of_dns(model: str, name: str) -> None:
    objects = made(served(model=model), "kubernetes")
    assert objects["Service"]["metadata"]["name"] == name


def test_what_looks_like_a_variable_in_a_name_stays_a_name() -> None:
    found = container(made(served(model="org/$(HOME)"), "kubernetes")["Deployment"])
    assert found["args"][0] == "org/$$(HOME)"


HOSTILE = (
    "$(touch${IFS}pwned)",
    "$HEAD",
    "$NODE_RANK",
    "$(LWS_LEADER_ADDRESS)",
    "$$(HF_TOKEN)$",
    "`id`",
    "a'b\"c",
    "a\nb; id",
    "--trust-remote-code",
)


def expanded(text: str) -> str:
    """The text as Kubernetes expands it, every variable to EVIL: two dollars are one, $(NAME) is a value."""
    return re.sub(r"\$(\$|\([^)]*\))", lambda match: "$" if match[1] == "$" else "EVIL", text)


def words_of(container: dict[str, Any]) -> list[str]:
    """What the container's program is given, after Kubernetes and, where it has one, its shell."""
    args = [expanded(arg) for arg in container.get("args", ())]
    return shlex.split(args[0]) if "/bin/bash" in container.get("command", ()) else args


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("engine", [name for name, rules in load_launch_rules().items() if rules.container])
def test_a_name_is_one_literal_word_in_every_kind(engine: str, name: str) -> None:
    for layout in LAYOUTS:
        objects, _ = manifests_of(served(engine, layout=layout, model=name), KINDS)
        plain, _ = manifests_of(served(engine, layout=layout, model="NAME"), KINDS)
        assert "LLMInferenceService" not in {
            found.get("kind") for several in objects.values() for found in several
        }
        kept = f"./{name}" if name.startswith("-") else name
        for kind, several in objects.items():
            for found, harmless in zip(several, plain[kind], strict=False):
                for one, other in zip(containers(found), containers(harmless), strict=False):
                    assert words_of(one) == [kept if word == "NAME" else word for word in words_of(other)]
                    assert one["env"] == other["env"]


def containers(found: Any) -> list[dict[str, Any]]:
    """All containers of an object."""
    if isinstance(found, list):
        return [each for item in found for each in containers(item)]
    if not isinstance(found, dict):
        return []
    return [*found.get("containers", ()), *(each for value in found.values() for each in containers(value))]


def test_kserves_own_configurations_are_given_plain_names_alone() -> None:
    """They write ``--served-model-name`` into a line that a shell evaluates."""
    several = Layout(tensor=4, data=4, expert=16)
    _, notes = manifests_of(served(layout=several, model="$(id)"), ["kserve"])
    assert ["give the model's name to a shell" in note for note in notes] == [True]


def dynamo(engine: str, **other: Any) -> dict[str, dict[str, Any]]:
    """Components of a graph by their kind."""
    graph = made(served(engine, **other), "dynamo")["DynamoGraphDeployment"]
    return {part["type"]: part for part in graph["spec"]["components"]}


@pytest.mark.parametrize(
    ("engine", "program", "further"),
    [
        ("vllm", "dynamo.vllm", "--model Qwen/Qwen3-8B --tensor-parallel-size 4 --max-model-len 4096"),
        ("sglang", "dynamo.sglang", "--model-path Qwen/Qwen3-8B --tp-size 4 --context-length 4096"),
        ("trtllm", "dynamo.trtllm", "--model Qwen/Qwen3-8B --tensor-parallel-size 4 --max-seq-len 4096"),
    ],
)
def test_a_graph_of_dynamo_starts_its_own_worker(engine: str, program: str, further: str) -> None:
    """Options as dynamo/trtllm/backend_args.py and the examples of v1beta1 of ai-dynamo/dynamo have them."""
    parts = dynamo(engine, layout=Layout(tensor=4))
    assert [*parts] == ["frontend", "worker"]
    (main,) = parts["worker"]["podTemplate"]["spec"]["containers"]
    words = " ".join(main.get("command", []) + main["args"])
    assert f"python3 -m {program} {further}" in words
    assert "--disaggregation-mode" not in words
    assert "_size" not in words
    assert (main["name"], main["resources"]["limits"]) == ("main", {"nvidia.com/gpu": "4"})
    assert parts["worker"]["replicas"] == 3
    (front,) = parts["frontend"]["podTemplate"]["spec"]["containers"]
    assert front["image"] == main["image"]
    assert "resources" not in front
    # The operator mounts /dev/shm: a second mount of it would be refused.
    assert "/dev/shm" not in json.dumps(parts)
    assert parts["worker"]["sharedMemorySize"].endswith("Gi")


def test_a_graph_names_the_release_that_its_image_holds() -> None:
    """https://docs.nvidia.com/dynamo/v1.3.0/resources/release-artifacts."""
    _, notes = manifests_of(served(), ["dynamo"])
    assert any("the image holds vllm 0.23.0, and options are those of 0.33.0" in note for note in notes)


@pytest.mark.parametrize(
    ("each", "reason"),
    [
        (served(gpu="mi300x"), "on NVIDIA GPUs"),
        (served("llama.cpp"), "start vLLM, SGLang and TensorRT-LLM"),
        (served(layout=Layout(tensor=16)), "on one host each"),
        (served(layout=Layout(tensor=2, data=2)), "one group of the attention"),
    ],
)
def test_a_graph_that_is_not_made_says_why(each: Served, reason: str) -> None:
    objects, notes = manifests_of(each, ["dynamo"])
    assert objects == {}
    assert reason in notes[0]


def test_a_graphs_name_leaves_room_for_its_components() -> None:
    """45 letters together: MaxCombinedGroveResourceNameLength of ai-dynamo/dynamo, deploy/operator/internal/consts."""
    graph = made(served(model="a/" + "x" * 80), "dynamo")["DynamoGraphDeployment"]
    longest = max(len(part["name"]) for part in graph["spec"]["components"])
    assert len(graph["metadata"]["name"]) + longest <= 45


def test_every_chip_has_one_resource_at_most() -> None:
    rows = load_resources()
    assert len({(row.vendor, family) for row in rows for family in (row.families.split() or [""])}) == sum(
        len(row.families.split()) or 1 for row in rows
    )
    assert all(row.source.startswith("https://") for row in rows)
