"""Prefill and decode apart as a cluster takes them: KServe's service, llm-d's values, Dynamo's graph."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from llm_calc.core.errors import CalcError, UnsupportedError
from llm_calc.core.launching.manifests.dynamo import dynamo_notes, dynamo_sides
from llm_calc.core.launching.manifests.kinds import PLAIN_NAME, model_uri, own_options
from llm_calc.core.launching.manifests.llm_d import SIDE_CHANNEL, llm_d_notes, llm_d_sides
from llm_calc.core.launching.manifests.made import image_notes
from llm_calc.core.launching.manifests.pods import claim, metadata
from llm_calc.core.launching.manifests.served import (
    Object,
    Served,
    clustered_options,
    listening_notes,
    resource_of,
    variables,
)

SET_BY_KSERVE = ("--tensor-parallel-size",)
"""What KServe writes itself: kserve/kserve@aaac4e29, ``config/llmisvcconfig``, the templates ``config-llm-decode`` and
``config-llm-prefill``. A transfer of caches they write only where caches are offloaded."""


def both_manifests(
    prefill: Served, decode: Served, kinds: Sequence[str]
) -> tuple[dict[str, list[Object]], list[str]]:
    """The objects of each kind that can be made of two sides, and notes on the others."""
    made: dict[str, list[Object]] = {}
    notes = list(listening_notes(decode)) if kinds else []
    prefill, decode = (
        replace(each, launch=replace(each.launch, further=clustered_options(each)))
        for each in (prefill, decode)
    )
    for kind in dict.fromkeys(kinds):
        try:
            made[kind] = _made(kind)(prefill, decode)
        except CalcError as error:
            notes.append(f"manifests: {kind} of prefill and decode apart is not made: {error.message}")
    return made, [
        *notes,
        *(dynamo_notes(decode) if "dynamo" in made else ()),
        *((*image_notes(decode), *llm_d_notes(decode, prefill)) if "llm_d" in made else ()),
    ]


def _made(kind: str) -> Callable[[Served, Served], list[Object]]:
    """What makes objects of a kind of two sides.

    Raises:
        UnsupportedError: a kind without a router.
    """
    found = {"kserve": llm_service, "dynamo": dynamo_sides, "llm_d": llm_d_sides}.get(kind)
    if found is None:
        msg = "two sides need a router between them: ask for kserve, dynamo or llm_d"
        raise UnsupportedError(msg, field="manifests")
    return found


def llm_service(prefill: Served, decode: Served) -> list[Object]:
    """KServe's LLMInferenceService: it starts vLLM on both sides, with a scheduler that sends requests to them.

    Raises:
        UnsupportedError: another engine, chips or layout than its own configurations start on one host.
    """
    for each in (prefill, decode):
        _check(each)
    found: Object = {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": metadata(decode, decode.name),
        "spec": {
            "model": {"uri": model_uri(decode), "name": decode.launch.model},
            **_side(decode),
            "router": {"route": {}, "gateway": {}, "scheduler": {}},
            "prefill": _side(prefill),
        },
    }
    return [*([claim(decode)] if decode.at_hand else []), found]


def _check(served: Served) -> None:
    layout, row = served.launch.layout, served.container.kserve
    plain = served.launch.nodes == 1 and layout.tensor == layout.gpus and layout.expert == 1
    if row is None or served.gpu.vendor != row.vendor or not plain:
        msg = (
            "KServe's own configurations start vLLM on NVIDIA GPUs, with tensor parallelism over the GPUs of one host, "
            "where prefill and decode are apart"
        )
        raise UnsupportedError(msg, field="manifests")
    if not re.fullmatch(PLAIN_NAME, served.launch.model):
        msg = "KServe gives the model's name to a shell as it is, and this one has other signs than those of a path"
        raise UnsupportedError(msg, field="manifests")


def _side(served: Served) -> Object:
    limits = {"limits": {resource_of(served): str(served.gpus_per_pod)}}
    further = " ".join(own_options(served, SET_BY_KSERVE))
    env = [SIDE_CHANNEL, *variables(served), {"name": "VLLM_ADDITIONAL_ARGS", "value": further}]
    head = {"name": "main", "env": env, "resources": limits}
    return {
        "replicas": served.replicas,
        "parallelism": {"tensor": served.launch.layout.tensor},
        "template": {"containers": [head]},
    }
