"""The manifests that a request asks for, and why some are not made."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from llm_calc.core.errors import CalcError
from llm_calc.core.launching.manifests.dynamo import dynamo_graph, dynamo_notes
from llm_calc.core.launching.manifests.kinds import kserve, kubernetes, leader_worker_set
from llm_calc.core.launching.manifests.llm_d import llm_d, llm_d_notes
from llm_calc.core.launching.manifests.served import (
    LOAD_BYTES_PER_S,
    START_S,
    Object,
    Served,
    clustered_options,
    image_of,
    listening_notes,
)

KINDS: Mapping[str, Callable[[Served], list[Object]]] = {
    "kubernetes": kubernetes,
    "leader_worker_set": leader_worker_set,
    "kserve": kserve,
    "dynamo": dynamo_graph,
    "llm_d": llm_d,
}


def manifests_of(served: Served, kinds: Sequence[str]) -> tuple[dict[str, list[Object]], list[str]]:
    """The objects of each kind that can be made, and notes on the others and on images of another release."""
    made: dict[str, list[Object]] = {}
    notes = list(listening_notes(served)) if kinds else []
    served = replace(served, launch=replace(served.launch, further=clustered_options(served)))
    for kind in dict.fromkeys(kinds):
        try:
            made[kind] = KINDS[kind](served)
        except CalcError as error:
            notes.append(f"manifests: {kind} is not made: {error.message}")
    own_images = made.keys() - {"dynamo"}
    return made, [
        *notes,
        *(image_notes(served) if own_images else ()),
        *(dynamo_notes(served) if "dynamo" in made else ()),
        *(llm_d_notes(served) if "llm_d" in made else ()),
    ]


def image_notes(served: Served) -> Iterator[str]:
    """Whose release the image is, where it is not the one that is asked for."""
    row = image_of(served)
    if row.version not in (None, served.version):
        yield f"manifests: the image is of {row.version}; rules and options are those of {served.version}"
    held = row.version or served.version
    if served.asked_version is not None and not _is_release(held, served.asked_version):
        yield (
            f"manifests: the image is of {held}, the release whose rules are known; engine.version says "
            f"{served.asked_version}: give its own image where there is one"
        )


def _is_release(held: str, asked: str) -> bool:
    """Whether an image is of the release that was named; 0.11 names any 0.11.x."""
    plain, said = (text.strip().casefold().removeprefix("v") for text in (held, asked))
    return plain == said or plain.startswith(f"{said}.")


def manifest_assumption() -> str:
    """What every manifest takes for granted."""
    return (
        f"manifests: {START_S} s and a second for each {LOAD_BYTES_PER_S / 1e9:g} GB of weights to start; a volume of "
        "the cluster's default storage class keeps the model under /models (files that notes say have to be at hand "
        "go there); a Hugging Face token, where needed, in the secret hf-token under token; nodes of this GPU are "
        "not selected, and no processors or host memory asked for"
    )
