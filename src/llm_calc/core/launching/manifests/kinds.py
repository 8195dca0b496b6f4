"""Kinds of manifests: a Deployment, a LeaderWorkerSet, and KServe's two services."""

import re
from collections.abc import Sequence

from llm_calc.core.errors import UnsupportedError
from llm_calc.core.launching.command import Word
from llm_calc.core.launching.manifests.pods import (
    LEADER,
    claim,
    labels,
    metadata,
    pod_spec,
    service,
)
from llm_calc.core.launching.manifests.served import Object, Served, host_words, resource_of, start_seconds

SET_LABEL = "leaderworkerset.sigs.k8s.io/name"
PLAIN_NAME = r"[A-Za-z0-9._/][A-Za-z0-9._/-]*"


def kubernetes(served: Served) -> list[Object]:
    """A Deployment of one pod a replica, its Service and its volume. While it is rolled, no further GPUs are needed.

    Raises:
        UnsupportedError: a replica lies on several hosts.
    """
    if served.launch.nodes > 1:
        msg = f"a replica lies on {served.launch.nodes} hosts; ask for leader_worker_set"
        raise UnsupportedError(msg, field="manifests")
    deployment: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(served, served.name),
        "spec": {
            "replicas": served.replicas,
            "progressDeadlineSeconds": start_seconds(served) + 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "selector": {"matchLabels": labels(served)},
            "template": {"metadata": {"labels": labels(served)}, "spec": pod_spec(served)},
        },
    }
    return [claim(served), deployment, service(served, labels(served))]


def leader_worker_set(served: Served) -> list[Object]:
    """A LeaderWorkerSet with a group of pods a replica, of which the first answers.

    Raises:
        UnsupportedError: a replica lies on one host, or the engine is not started host by host.
    """
    nodes, row = served.launch.nodes, served.container
    if nodes == 1:
        raise UnsupportedError("a replica lies on one host; ask for kubernetes", field="manifests")
    if not row.grouped:
        msg = f"{served.launch.engine} is not started host by host, but by MPI or Slurm"
        raise UnsupportedError(msg, field="manifests")
    groups: Object = {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": metadata(served, served.name),
        "spec": {
            "replicas": served.replicas,
            "leaderWorkerTemplate": {
                "size": nodes,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": {
                    "metadata": {"labels": {**labels(served), "role": LEADER}},
                    "spec": pod_spec(served),
                },
                "workerTemplate": {
                    "metadata": {"labels": labels(served)},
                    "spec": pod_spec(served, serves=False, further=row.on_other_hosts),
                },
            },
        },
    }
    return [claim(served), groups, service(served, {SET_LABEL: served.name, "role": LEADER})]


def kserve(served: Served) -> list[Object]:
    """KServe: an InferenceService with the engine's own container; over several hosts an LLMInferenceService.

    Raises:
        UnsupportedError: several hosts that KServe's own configurations do not start.
    """
    return _llm_service(served) if served.launch.nodes > 1 else _inference_service(served)


def _inference_service(served: Served) -> list[Object]:
    """Standard mode: plain Deployments, as GPUs do not scale to zero by the request."""
    annotations = {"serving.kserve.io/deploymentMode": "Standard"}
    predictor = {
        "minReplicas": served.replicas,
        "maxReplicas": served.replicas,
        **pod_spec(served, name="kserve-container"),
    }
    found: Object = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {**metadata(served, served.name), "annotations": annotations},
        "spec": {"predictor": predictor},
    }
    return [claim(served), found]


def _llm_service(served: Served) -> list[Object]:
    """KServe downloads the model, and starts vLLM on each host from its own configuration and image."""
    layout, nodes = served.launch.layout, served.launch.nodes
    spread = layout.data > 1 and layout.data % nodes == 0 and layout.pipeline == 1
    row = served.container.kserve
    if row is None or served.gpu.vendor != row.vendor or not spread:
        msg = (
            "over several hosts KServe's own configurations start vLLM on NVIDIA GPUs with data-parallel groups that "
            "each lie on one host; ask for leader_worker_set"
        )
        raise UnsupportedError(msg, field="manifests")
    if not re.fullmatch(PLAIN_NAME, served.launch.model):
        msg = (
            "over several hosts KServe's own configurations give the model's name to a shell as it is, and this one "
            "has other signs than letters, digits, '.', '_', '-' and '/'"
        )
        raise UnsupportedError(msg, field="manifests")
    limits = {"limits": {resource_of(served): str(served.gpus_per_pod)}}
    further = " ".join(own_options(served, row.sets))
    head = {"name": "main", "env": [{"name": "VLLM_ADDITIONAL_ARGS", "value": further}], "resources": limits}
    found: Object = {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": metadata(served, served.name),
        "spec": {
            "model": {"uri": model_uri(served), "name": served.launch.model},
            "replicas": served.replicas,
            "parallelism": {
                "tensor": layout.tensor,
                "data": layout.data,
                "dataLocal": layout.data // nodes,
                "expert": layout.expert > 1,
            },
            "router": {"route": {}, "gateway": {}, "scheduler": {}},
            "template": {"containers": [head]},
            "worker": {"containers": [dict(head)]},
        },
    }
    return [*([claim(served)] if served.at_hand else []), found]


def model_uri(served: Served) -> str:
    """Where KServe gets the model: its repository, or the volume on which its files lie."""
    model = served.launch.model
    return f"pvc://{served.name}-models/{model}" if served.at_hand else f"hf://{model}"


def own_options(served: Served, sets: Sequence[str]) -> list[str]:
    """The launch command's options that KServe does not write itself, for a shell."""
    return [word.quoted for word in own_words(served, sets)]


def own_words(served: Served, sets: Sequence[str]) -> list[Word]:
    """The launch command's options but for those that something else writes."""
    program = served.launch.rules.command
    words, kept = host_words(served)[len(program) :], list[Word]()
    while words:
        word = words.pop(0)
        value = [words.pop(0)] if words and not words[0].text.startswith("--") else []
        if word.text not in sets:
            kept += [word, *value]
    return kept
