"""llm-d: values of its Helm chart that starts vLLM, with prefill and decode apart or in one."""

import re
from collections.abc import Iterator

from llm_calc.core.errors import UnsupportedError
from llm_calc.core.launching.manifests.kinds import PLAIN_NAME, model_uri, own_words
from llm_calc.core.launching.manifests.pods import TOKEN_SECRET, claim, probes, shared_memory
from llm_calc.core.launching.manifests.served import (
    Object,
    Served,
    claim_gib,
    image_of,
    port_of,
    resource_of,
    variables,
)
from llm_calc.core.launching.rules import LlmD

BEHIND_PROXY = 8200
"""Where vLLM listens in a pod that decodes, as the chart has it: its proxy takes the service's port."""
SIDE_CHANNEL = {
    "name": "VLLM_NIXL_SIDE_CHANNEL_HOST",
    "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}},
}
"""Where the other side asks a pod for its caches; vLLM says ``localhost`` where nothing is set."""

DOWNLOADED = (
    "each pod downloads the model by itself, to a folder of its host; files that notes say have to be at hand have no "
    "place there"
)


def llm_d(served: Served) -> list[Object]:
    """Values for replicas that do both: the chart's decode pods alone, without its proxy.

    Raises:
        UnsupportedError: another engine, chips or layout than the chart starts.
    """
    port = port_of(served)
    found = _values(served) | {
        "decode": _side(served, port, apart=False),
        "prefill": {"create": False},
    }
    found["routing"] = {"servicePort": port, "proxy": {"enabled": False}}
    return [found]


def llm_d_sides(prefill: Served, decode: Served) -> list[Object]:
    """Values for prefill and decode apart, with the proxy that asks a pod for the prefill of its requests.

    Raises:
        UnsupportedError: as of :func:`llm_d`.
    """
    port, row = port_of(decode), _row(decode)
    behind = BEHIND_PROXY if port != BEHIND_PROXY else BEHIND_PROXY + 1
    first = _side(prefill, port, apart=True)
    if _accelerator(prefill) != _accelerator(decode):
        first["accelerator"] = {"type": _accelerator(prefill)}
    found = _values(decode) | {"decode": _side(decode, behind, apart=True), "prefill": first}
    proxy = {"enabled": True, "image": row.proxy, "connector": row.connector, "targetPort": behind}
    found["routing"] = {"servicePort": port, "proxy": {**proxy, "secure": False}}
    return [found]


def llm_d_notes(served: Served, prefill: Served | None = None) -> Iterator[str]:
    """What is to be done with the values, and what they take for granted; ``prefill``: its side, where it is apart."""
    row = served.container.llm_d
    if row is None:
        return
    yield (
        f"manifests: llm_d: values of {row.chart}, not objects for kubectl: helm install {served.name} CHART -f FILE; "
        "requests reach it by an InferencePool with an endpoint picker, which have charts of their own: its pods are "
        f"those of llm-d.ai/model={served.name} at port {port_of(served)}"
        + ("" if prefill is None else ", with llm-d.ai/role to tell prefill from decode")
    )
    yield (
        "manifests: llm_d: llm-d's own guides have used Kustomize in place of this chart since its release 0.7; "
        + ("the volume keeps the model under /model-cache" if served.at_hand else DOWNLOADED)
    )
    sides = () if prefill is None else (served, prefill)
    for image in sorted({_image(each) for each in sides if each.gpu.vendor != row.connected}):
        yield (
            f"manifests: llm_d: caches travel by NIXL, which vLLM's images for {row.connected} bring; look whether "
            f"{image} has it"
        )


def _values(served: Served) -> Object:
    """What both sides have in common.

    Raises:
        UnsupportedError: a name that Helm would not take as it is.
    """
    if not re.fullmatch(PLAIN_NAME, served.launch.model):
        msg = "llm-d's chart reads the model's name as a template, and this one has other signs than those of a path"
        raise UnsupportedError(msg, field="manifests")
    found: Object = {
        "fullnameOverride": served.name,
        "multinode": False,
        "modelArtifacts": {
            "name": served.launch.model,
            "uri": model_uri(served),
            "size": f"{claim_gib(served)}Gi",
            "mountPath": "/model-cache",
            "labels": {"llm-d.ai/inference-serving": "true", "llm-d.ai/model": served.name},
        },
        "accelerator": {"type": _accelerator(served)},
    }
    return found | ({"extraObjects": [claim(served)]} if served.at_hand else {})


def _row(served: Served) -> LlmD:
    """How the chart starts it.

    Raises:
        UnsupportedError: another engine, or a layout that the chart's command does not say.
    """
    row, layout = served.container.llm_d, served.launch.layout
    if row is None:
        msg = f"llm-d's chart writes the command of vLLM, and none of {served.launch.engine}"
        raise UnsupportedError(msg, field="manifests")
    if served.launch.nodes > 1 or layout.pipeline > 1 or layout.tensor * layout.data != layout.gpus:
        msg = (
            "llm-d's chart takes tensor and data parallelism on one host, no pipeline; over several hosts it gives "
            "each pod the same command, without the address of the first"
        )
        raise UnsupportedError(msg, field="manifests")
    return row


def _accelerator(served: Served) -> str:
    """The chart's name for the chip.

    Raises:
        UnsupportedError: it has none.
    """
    found = _row(served).accelerators.get(resource_of(served))
    if found is None:
        raise UnsupportedError(f"llm-d's chart names no accelerator like {served.gpu.id}", field="manifests")
    return found


def _side(served: Served, port: int, *, apart: bool) -> Object:
    """Pods of one side; the chart writes model, port, tensor and data parallelism itself."""
    layout = served.launch.layout
    volumes, _ = shared_memory(served)
    return {
        "create": True,
        "replicas": served.replicas,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "enableServiceLinks": False,
        "parallelism": {
            "tensor": layout.tensor,
            "data": layout.data,
            "dataLocal": layout.data,
            "workers": 1,
        },
        "containers": [_container(served, port, apart=apart)],
        "volumes": volumes,
    }


def _image(served: Served) -> str:
    return image_of(served).image.format(version=served.version)


def _container(served: Served, port: int, *, apart: bool) -> Object:
    _, mounts = shared_memory(served)
    token = {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": dict(TOKEN_SECRET)}}
    return {
        "name": served.launch.engine,
        "image": _image(served),
        "modelCommand": "vllmServe",
        "args": [word.text for word in own_words(served, _row(served).sets)],
        "env": [token, *([SIDE_CHANNEL] if apart else ()), *variables(served)],
        "ports": [{"name": "http", "containerPort": port}],
        "extraConfig": probes(served),
        "resources": {"limits": {resource_of(served): str(served.gpus_per_pod)}},
        "mountModelVolume": True,
        "volumeMounts": mounts,
    }
