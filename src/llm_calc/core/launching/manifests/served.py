"""What is to be served by a cluster, and what is known of its containers: image, resource, probes, volumes."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_calc.core.errors import UnsupportedError
from llm_calc.core.hardware import Gpu
from llm_calc.core.launching.command import Launch, Word, launch_words
from llm_calc.core.launching.further import Further
from llm_calc.core.launching.rules import Container, Image

Object = dict[str, Any]

PROBE_S = 10
"""Seconds between two questions after an engine's health."""
START_S = 900
"""Time given to an engine beside the reading of weights: compilation, capture of graphs."""
LOAD_BYTES_PER_S = 1e8
"""Speed at which weights come at least, download included: a link of 1 Gbit/s at eight tenths."""
CLAIM_SPARE_GIB = 10
MODELS = "/models"
LONGEST_NAME = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One deployment: how an engine is started, on what, and how often.

    ``version``: the engine's release, whose rules hold; ``asked_version``: the one that the request names.
    ``weights_bytes``: what all GPUs of a replica load; ``checkpoint_bytes``: what is
    downloaded. ``at_hand``: the model is no published repository, but files that its owner has.
    ``environment``: variables that the engine needs besides.
    """

    launch: Launch
    gpu: Gpu
    version: str
    replicas: int
    weights_bytes: float
    checkpoint_bytes: float
    at_hand: bool = False
    asked_version: str | None = None
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Name of all objects: a DNS label that begins with a letter."""
        words = re.sub(r"[^a-z0-9]+", "-", self.launch.model.rpartition("/")[2].casefold()).strip("-")
        label = words if words[:1].isalpha() else f"m-{words}"
        return label[:LONGEST_NAME].strip("-")

    @property
    def gpus_per_pod(self) -> int:
        """GPUs of each host's part [GPUs].

        ``GPUs / hosts``.
        Definition: hosts have equal parts.

        Raises:
            UnsupportedError: the hosts would have unequal parts.
        """
        gpus, nodes = self.launch.layout.gpus, self.launch.nodes
        if gpus % nodes:
            raise UnsupportedError(
                f"{gpus} GPUs are not divided evenly among {nodes} hosts", field="manifests"
            )
        return gpus // nodes

    @property
    def container(self) -> Container:
        """How its engine runs in a container.

        Raises:
            UnsupportedError: nothing is known of it.
        """
        found = self.launch.rules.container
        if found is None:
            raise UnsupportedError(f"no container of {self.launch.engine} is known", field="manifests")
        return found


def resource_of(served: Served) -> str:
    """The name under which a cluster counts such chips.

    Raises:
        UnsupportedError: no device plugin of its vendor is known.
    """
    gpu = served.gpu
    for row in served.container.resources:
        if row.vendor == gpu.vendor and _covers(row.families, gpu):
            return row.resource
    raise UnsupportedError(f"no device plugin for {gpu.id} is known", field="manifests")


def image_of(served: Served) -> Image:
    """The engine's public image for the chip.

    Raises:
        UnsupportedError: none is known.
    """
    for row in served.container.images:
        if row.vendor == served.gpu.vendor and _covers(row.families, served.gpu):
            return row
    msg = f"no public image of {served.launch.engine} {served.version} for {served.gpu.id} is known"
    raise UnsupportedError(msg, field="manifests")


def _covers(families: Sequence[str], gpu: Gpu) -> bool:
    return not families or (gpu.compute_capability or gpu.generation) in families


def start_seconds(served: Served) -> int:
    """Time that a container has to become healthy [s].

    ``900 + weights / 10^8 bytes/s``, in whole probes.
    Choice: compilation and graphs take minutes at most, and a link of 1 Gbit/s is slow for such a host.
    Leaves out: hosts that share their link.
    """
    needed = START_S + served.weights_bytes / LOAD_BYTES_PER_S
    return math.ceil(needed / PROBE_S) * PROBE_S


def claim_gib(served: Served) -> int:
    """Size of the volume that keeps the model: its files and a little more, in tens of GiB [1].

    ``ceil((1.05 x files + 10) / 10) x 10``.
    Choice: room for tokenizers and for what a file system takes itself.
    Leaves out: a second model in the same volume.
    """
    return math.ceil((served.checkpoint_bytes / 2**30 * 1.05 + CLAIM_SPARE_GIB) / 10) * 10


def host_words(served: Served) -> list[Word]:
    """The launch command for each host of a group, with the variables that a LeaderWorkerSet gives its pods."""
    launch = replace(served.launch, held=image_of(served).version)
    words = [_grouped(word) for word in launch_words(launch)]
    return [*words, *(Word(word) for word in served.container.listen)]


def _grouped(word: Word) -> Word:
    """The catalog's variables as Kubernetes writes them; whatever else looks like one stays what it is."""
    if word.variable:
        named = word.text.replace("$NODE_RANK", "$(LWS_WORKER_INDEX)")
        return Word(named.replace("$HEAD", "$(LWS_LEADER_ADDRESS)"), variable=True)
    return Word(literal(word.text))


def port_of(served: Served) -> int:
    """The port at which the server listens [1].

    ``port`` of the options, else the container's own.
    Definition: as the command says it.
    """
    said = next((each.texts[0] for each in served.launch.further if each.name == "port" and each.texts), "")
    return int(said) if said.isdecimal() else served.container.port


def clustered_options(served: Served) -> tuple[Further, ...]:
    """Options that nothing counts, without those of where the server listens: a cluster asks its pod's address."""
    return tuple(each for each in served.launch.further if each.name not in _own(served))


def listening_notes(served: Served) -> Iterator[str]:
    """What is left out of a cluster's command."""
    names = ", ".join(f"engine.{each.name}" for each in served.launch.further if each.name in _own(served))
    if names:
        yield (
            f"manifests: {names}: left out; probes and the Service ask the server by HTTP under its pod's address, "
            "where it listens without"
        )


def _own(served: Served) -> tuple[str, ...]:
    found = served.launch.rules.container
    return () if found is None else found.own


def variables(served: Served) -> list[Object]:
    """Variables that the engine needs, as a container has them."""
    return [{"name": name, "value": value} for name, value in served.environment]


def literal(text: str) -> str:
    """Text in which Kubernetes expands nothing: it reads ``$(NAME)`` as a variable and two dollars as one."""
    return re.sub(r"\$(?=[$(])", "$$", text)
