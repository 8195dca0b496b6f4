"""NVIDIA Dynamo's graphs: a frontend that routes, and workers that do both, or prefill and decode apart."""

from collections.abc import Iterator
from dataclasses import replace

from llm_calc.core.errors import UnsupportedError
from llm_calc.core.launching.command import Launch
from llm_calc.core.launching.manifests.pods import claim, container, metadata, volumes
from llm_calc.core.launching.manifests.served import Object, Served
from llm_calc.core.launching.rules import Dynamo, Image, LaunchOption, LaunchRules

LONGEST_NAME = 36
"""Dynamo's operator takes names of a graph and of a component of 45 letters together; ``frontend`` is the longest."""
FRONTEND = "frontend"
OPTIONS_FILE = "/tmp/options.yaml"  # noqa: S108 - a container's own: the models' volume is that of both sides


def dynamo_graph(served: Served) -> list[Object]:
    """A graph whose workers do prefill and decode.

    Raises:
        UnsupportedError: an engine, chips or a layout that it is not known to start.
    """
    return _graph(served, {"worker": served})


def dynamo_sides(prefill: Served, decode: Served) -> list[Object]:
    """A graph with prefill and decode apart; its frontend sends requests to one and then to the other.

    Raises:
        UnsupportedError: as of :func:`dynamo_graph`.
    """
    return _graph(decode, {"prefill": prefill, "decode": decode})


def dynamo_notes(served: Served) -> Iterator[str]:
    """What a graph takes for granted."""
    row = served.container.dynamo
    if row is None:
        return
    yield (
        f"manifests: dynamo: the image holds {served.launch.engine} {row.version}, and options are those of "
        f"{served.version}; ports, questions after health and the time to start are those of Dynamo's operator"
    )
    if served.launch.further:
        names = ", ".join(f"engine.{each.name}" for each in served.launch.further)
        yield f"manifests: dynamo: {names}: left out; Dynamo's worker may have another option for it"
    if served.launch.beside.get("adapters"):
        yield "manifests: dynamo: adapters are loaded by objects of their own (DynamoModel), which are not made"


def _graph(served: Served, workers: dict[str, Served]) -> list[Object]:
    parts = [
        {**_component(role, _as_worker(each, role)), **_shared_memory(each)} for role, each in workers.items()
    ]
    pods = sum(each.replicas for each in workers.values()) + 1
    found: Object = {
        "apiVersion": "nvidia.com/v1beta1",
        "kind": "DynamoGraphDeployment",
        "metadata": metadata(served, served.name[:LONGEST_NAME].strip("-")),
        "spec": {"components": [_frontend(_as_worker(served, FRONTEND)), *parts]},
    }
    return [claim(replace(served, replicas=pods)), found]


def _frontend(served: Served) -> Object:
    """What answers clients: without GPUs, beside the model's tokenizer."""
    kept = ("name", "image", "workingDir", "env", "volumeMounts")
    main = container(served, name="main", serves=False, further=())
    spec = {"containers": [{name: main[name] for name in kept}], "volumes": volumes(served)}
    return {"name": FRONTEND, "type": FRONTEND, "replicas": 1, "podTemplate": {"spec": spec}}


def _component(role: str, served: Served) -> Object:
    """Workers of one kind; the operator adds ports and questions after their health."""
    main = container(served, name="main", serves=False, further=())
    found: Object = {
        "name": role,
        "type": role,
        "replicas": served.replicas,
        "podTemplate": {"spec": {"containers": [main], "volumes": volumes(served)}},
    }
    return found


def _shared_memory(served: Served) -> Object:
    """The operator mounts ``/dev/shm`` itself."""
    size = served.container.shared_memory_gib
    return {"sharedMemorySize": f"{size}Gi"} if size else {}


def _as_worker(served: Served, role: str) -> Served:
    """The same deployment as Dynamo's worker of the engine starts it: words, image, and volumes that it does not make.

    Raises:
        UnsupportedError: an engine without such a worker, other chips, several hosts, or groups that the worker does
            not start by itself.
    """
    row, layout = served.container.dynamo, served.launch.layout
    if row is None or served.gpu.vendor != row.vendor:
        raise UnsupportedError(
            "Dynamo's images start vLLM, SGLang and TensorRT-LLM on NVIDIA GPUs", field="manifests"
        )
    if served.launch.nodes > 1:
        raise UnsupportedError("workers are described on one host each", field="manifests")
    if layout.data > 1 and not row.groups:
        msg = (
            f"Dynamo's worker of {served.launch.engine} is one group of the attention; ask for another layout"
        )
        raise UnsupportedError(msg, field="manifests")
    return replace(served, launch=_launch(served.launch, row, role))


def _launch(launch: Launch, row: Dynamo, role: str) -> Launch:
    return replace(launch, rules=_rules(launch.rules, row, role), further=())


def _rules(rules: LaunchRules, row: Dynamo, role: str) -> LaunchRules:
    """The engine's options under the worker's names."""
    own = (LaunchOption(option=row.model, takes="model", fixed=None, values=None),)
    kept = [option for option in rules.options if option.takes != "model"]
    apart = row.mode if role in ("prefill", "decode") else ()
    sides = [LaunchOption(option=word, takes="side", fixed=None, values=None) for word in apart]
    if rules.container is None:
        raise UnsupportedError(f"no container of {rules.name} is known", field="manifests")
    image = Image(vendor=row.vendor, families=(), image=row.image, version=row.version)
    renamed = [replace(option, option=row.renamed.get(option.option, option.option)) for option in kept]
    stated = [
        replace(option, option=row.renamed.get(option.option, option.option)) for option in rules.stated
    ]
    listen = rules.container.listen if row.listens else ()
    return replace(
        rules,
        command=row.command,
        options_file=None if rules.options_file is None else OPTIONS_FILE,
        options=(*own, *sides, *renamed),
        stated=tuple(stated),
        container=replace(rules.container, images=(image,), listen=listen, shared_memory_gib=0),
    )
