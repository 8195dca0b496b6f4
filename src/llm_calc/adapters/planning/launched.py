"""From a deployment that was chosen to how it is started."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.engines import release_of
from llm_calc.adapters.hub_files import hub_file
from llm_calc.adapters.planning.beside_words import ADAPTER_PLACES, beside_values, draft_word, unsaid_beside
from llm_calc.adapters.planning.choices import Choice
from llm_calc.adapters.planning.exact import Evaluated
from llm_calc.adapters.planning.names import PLACEHOLDER, TO_REPLACE, Names
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.planning.stated import further_options, stated_options, unsaid
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.core.engines import traits_of
from llm_calc.core.hardware import Gpu
from llm_calc.core.launching.command import Launch, Value, launch_notes
from llm_calc.core.launching.manifests.served import Served
from llm_calc.core.memory import weights_bytes
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout

NOT_LOOKED_UP = "whether a file of this kind lies there was not looked up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One replica that was chosen, and how many there are."""

    gpu: Gpu
    model: Model
    engine: EnginePart
    choice: Choice
    layout: Layout
    gpus_per_node: int
    replicas: int = 1
    placed: Placed | None = None
    catalogs: Catalogs | None = None


def chosen_plan(scene: Scene, plan: Evaluated) -> Chosen:
    """What a plan chose."""
    return Chosen(
        gpu=plan.row.gpu,
        model=plan.placed.subject.setup.model,
        engine=plan.engine,
        choice=plan.row.choice,
        layout=plan.row.layout,
        gpus_per_node=scene.gpus_per_node,
        replicas=plan.replicas + scene.spare_replicas,
        placed=plan.placed,
        catalogs=scene.catalogs,
    )


def launch_of(chosen: Chosen, names: Names) -> Launch:
    """What the command has to say."""
    choice, engine = chosen.choice, chosen.engine
    storage = choice.precision.weights.storage
    loaded = None if choice.own_weights else storage
    return Launch(
        rules=choice.rules,
        model=_model_word(choice, names),
        hub_file=_hub_file(choice, names),
        hub_file_alone=_hub_file(choice, names) is not None and _has_tower(chosen.model),
        layout=chosen.layout,
        gpus_per_node=chosen.gpus_per_node,
        dtype=None if loaded is None else choice.part.weights,
        quantize_on_load=loaded,
        kv_cache=None if choice.own_cache else choice.precision.kv_cache,
        layers=chosen.model.num_layers,
        stated=stated_options(engine),
        further=further_options(engine),
        release=release_of(engine).version,
        beside=_beside(chosen, names.repository),
    )


def _beside(chosen: Chosen, repository: str) -> Mapping[str, Value]:
    if chosen.placed is None or chosen.catalogs is None:
        return {}
    way = chosen.choice.way
    return beside_values(chosen.placed, way, draft_word(way, repository, chosen.catalogs))


def _model_word(choice: Choice, names: Names) -> str:
    """The repository, or the checkpoint in another format that has to be at hand."""
    weights, own = choice.precision.weights, names.title
    if traits_of(choice.engine).formats.gguf_alone:
        return names.files or names.file or f"{own}-{weights.name}.gguf"
    return names.repository if _loads(choice) else f"{own}-{weights.name}"


def _hub_file(choice: Choice, names: Names) -> str | None:
    """The repository of GGUF files and the kind of the one to load, where the request names such a repository."""
    if names.files is None or not traits_of(choice.engine).formats.gguf_alone:
        return None
    return hub_file(names.files, choice.precision.weights.name)


def _has_tower(model: Model) -> bool:
    return any(each.weight.component == "vision" for each in model.placed)


def _loads(choice: Choice) -> bool:
    """Whether the engine makes these weights of the published checkpoint: its own, 16 bits, fp8 while loading."""
    return choice.own_weights or choice.precision.weights.storage in choice.rules.made_on_load


def _at_hand(choice: Choice, launch: Launch) -> bool:
    """Whether the command names files that nobody publishes under this name."""
    if traits_of(choice.engine).formats.gguf_alone:
        return launch.hub_file is None
    return not _loads(choice)


def command_notes(chosen: Chosen, launch: Launch) -> list[str]:
    """What the command takes for granted."""
    choice = chosen.choice
    foreign = choice.precision.weights.name if _at_hand(choice, launch) else None
    nodes = -(-chosen.layout.gpus // chosen.gpus_per_node)
    return [
        *([TO_REPLACE] if launch.model.startswith(PLACEHOLDER) else []),
        *launch_notes(choice.rules, nodes, foreign_weights=foreign),
        *([] if launch.hub_file is None else [f"the command loads {launch.hub_file}; {NOT_LOOKED_UP}"]),
        *unsaid(choice.rules, chosen.engine),
        *([] if chosen.placed is None else unsaid_beside(chosen.placed, choice.way, choice.rules)),
    ]


def without_places(launch: Launch) -> Launch:
    """The same without the places of adapters, which a cluster would look for in vain."""
    kept = {name: value for name, value in launch.beside.items() if name not in ADAPTER_PLACES}
    return replace(launch, beside=kept)


def served_of(chosen: Chosen, launch: Launch, published_bytes: float) -> Served:
    """The same as a cluster runs it; ``published_bytes``: of the checkpoint."""
    choice = chosen.choice
    weights = float(weights_bytes(chosen.model, choice.precision.numbers.recipe))
    at_hand = _at_hand(choice, launch)
    return Served(
        launch=without_places(launch),
        gpu=chosen.gpu,
        version=release_of(chosen.engine).version,
        asked_version=chosen.engine.version,
        replicas=chosen.replicas,
        weights_bytes=weights,
        checkpoint_bytes=weights if at_hand else max(weights, published_bytes),
        at_hand=at_hand,
    )
