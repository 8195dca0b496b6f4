"""GPUs that hold what was asked for, and how their engine is started."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.model_source import SourcedModel
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.planning.choices import choice_of
from llm_calc.adapters.planning.launched import Chosen, command_notes, launch_of, served_of
from llm_calc.adapters.planning.names import Names
from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.presets import chosen_words, with_preset
from llm_calc.adapters.wire.engines import LlamaCppEngine
from llm_calc.adapters.wire.plan_parts import ClusterObject, ManifestKind
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import CalcError
from llm_calc.core.hardware import Gpu
from llm_calc.core.launching.manifests.made import manifests_of
from llm_calc.core.serving.estimate import Estimate

NODE = 8
NO_MANIFESTS = (
    "manifests: none are given for ollama; name llama.cpp, which it starts, or use the settings above"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A kind of GPU with the fewest of them that hold everything, in their fastest layout."""

    gpu: Gpu
    request: ServingEstimateRequest
    planned: Planned
    placed: Placed
    found: Estimate
    price: GpuPrice | None

    @property
    def usd_per_hour(self) -> float | None:
        """Rent of all of them."""
        return None if self.price is None else self.price.usd_per_gpu_hour * self.request.hardware.count


@dataclass(frozen=True, slots=True)
class Started:
    """How what is recommended is started: the kinds of manifests, and what they call the model."""

    source: SourcedModel
    names: Names
    kinds: Sequence[ManifestKind]
    catalogs: Catalogs


def started_by(each: Holding, started: Started) -> tuple[dict[str, list[ClusterObject]] | None, list[str]]:
    """Objects that start it where they were asked for, and notes; Ollama has settings instead."""
    asked = each.request.engine
    if not isinstance(asked, LlamaCppEngine) or asked.preset is None:
        return _manifests(each, started) if started.kinds else (None, [])
    words = chosen_words(with_preset(each.request, started.catalogs))
    return ({}, [*words, NO_MANIFESTS]) if started.kinds else (None, words)


def _manifests(each: Holding, started: Started) -> tuple[dict[str, list[ClusterObject]], list[str]]:
    """Objects that start it, and what they take for granted."""
    setup, part = each.placed.subject.setup, each.request.engine
    try:
        choice = choice_of(started.source, part.name, each.request.precision)
    except CalcError as error:
        return {}, [f"manifests: {error.message}"]
    if choice is None:
        return {}, [f"manifests: no option of {part.name} names this format of the cache"]
    chosen = Chosen(
        gpu=each.gpu, model=setup.model, engine=part, choice=choice, layout=setup.layout, gpus_per_node=NODE
    )
    launch = launch_of(chosen, started.names)
    made, notes = manifests_of(served_of(chosen, launch, started.names.checkpoint_bytes), started.kinds)
    return made, [*command_notes(chosen, launch), *notes]
