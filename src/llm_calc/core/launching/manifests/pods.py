"""Pods of an engine: a container with its probes and volumes."""

from collections.abc import Sequence

from llm_calc.core.launching.command import Word, file_command
from llm_calc.core.launching.manifests.served import (
    MODELS,
    PROBE_S,
    Object,
    Served,
    claim_gib,
    host_words,
    image_of,
    literal,
    port_of,
    resource_of,
    start_seconds,
    variables,
)

TOKEN_SECRET = {"name": "hf-token", "key": "token", "optional": True}
LEADER = "leader"


def pod_spec(
    served: Served, *, name: str = "engine", serves: bool = True, further: Sequence[str] = ()
) -> Object:
    """A pod's specification; ``serves``: whether it answers requests, and is asked after its health.

    Without ``enableServiceLinks: false`` a Service called vllm would give the engine a ``VLLM_PORT`` that it cannot
    read.
    """
    return {
        "enableServiceLinks": False,
        "containers": [container(served, name=name, serves=serves, further=further)],
        "volumes": [*volumes(served)],
    }


def container(served: Served, *, name: str, serves: bool, further: Sequence[str]) -> Object:
    """The engine's container: the launch command's words, the chips, probes and volumes."""
    found: Object = {
        "name": name,
        "image": image_of(served).image.format(version=served.version),
        **_command(served, further),
        "workingDir": MODELS,
        "env": [
            {"name": "HF_HOME", "value": f"{MODELS}/huggingface"},
            {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": dict(TOKEN_SECRET)}},
            *variables(served),
        ],
        "resources": {"limits": {resource_of(served): str(served.gpus_per_pod)}},
        "volumeMounts": _mounts(served),
    }
    if serves:
        found["ports"] = [{"name": "http", "containerPort": port_of(served)}]
        found |= probes(served)
    return found


def _command(served: Served, further: Sequence[str]) -> Object:
    row = served.container
    words = [*host_words(served), *(Word(word) for word in further)]
    texts = [word.text for word in words]
    if row.shell:
        line = literal(file_command(served.launch)) + " ".join(word.quoted for word in words)
        return {"command": list(row.shell), "args": [line]}
    if row.entrypoint:
        return {"args": texts[1:]}
    program = [word for word in served.launch.rules.command if "{" not in word]
    return {"command": program, "args": texts[len(program) :]}


def probes(served: Served) -> Object:
    """Questions after the engine's health: until it has started, then for good."""
    ask = {"httpGet": {"path": served.container.health_path, "port": "http"}, "periodSeconds": PROBE_S}
    return {
        "startupProbe": {**ask, "failureThreshold": start_seconds(served) // PROBE_S},
        "readinessProbe": {**ask, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**ask, "timeoutSeconds": 10, "failureThreshold": 6},
    }


def _mounts(served: Served) -> list[Object]:
    return [{"name": "models", "mountPath": MODELS}, *shared_memory(served)[1]]


def volumes(served: Served) -> list[Object]:
    """The models' volume, and shared memory where the engine's processes need it."""
    models: Object = {"name": "models", "persistentVolumeClaim": {"claimName": f"{served.name}-models"}}
    return [models, *shared_memory(served)[0]]


def shared_memory(served: Served) -> tuple[list[Object], list[Object]]:
    """The volume of shared memory that the engine's processes need, and where it is mounted."""
    size = served.container.shared_memory_gib
    if not size:
        return [], []
    volume = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{size}Gi"}}
    return [volume], [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108


def claim(served: Served) -> Object:
    """The volume that keeps the model's files, of all pods together."""
    pods = served.replicas * served.launch.nodes
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(served, f"{served.name}-models"),
        "spec": {
            "accessModes": ["ReadWriteOnce" if pods == 1 else "ReadWriteMany"],
            "resources": {"requests": {"storage": f"{claim_gib(served)}Gi"}},
        },
    }


def service(served: Served, selector: dict[str, str]) -> Object:
    """One address for all replicas."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(served, served.name),
        "spec": {
            "selector": selector,
            "ports": [{"name": "http", "port": served.container.port, "targetPort": "http"}],
        },
    }


def metadata(served: Served, name: str) -> Object:
    """Name and label of an object."""
    return {"name": name, "labels": labels(served)}


def labels(served: Served) -> dict[str, str]:
    """What all objects of a deployment are labelled with."""
    return {"app.kubernetes.io/name": served.name, "app.kubernetes.io/component": served.launch.engine}
