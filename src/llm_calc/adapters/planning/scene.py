"""What all candidates of a search have in common, and each as a question that is varied, not asked anew.

A model in the formats of a choice on a kind of GPU is resolved once; its layouts are that question over other layouts.
An engine is built once for each set of options, whichever candidates are started with them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from llm_calc.adapters.cache_types import with_cache_types
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.class_answers import targets_of
from llm_calc.adapters.engine_catalog import EngineRules
from llm_calc.adapters.engines import engine_from, release_of
from llm_calc.adapters.mean_lengths import lengths_of
from llm_calc.adapters.model_source import SourcedModel
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.planning.choices import Choice
from llm_calc.adapters.planning.rows import Row
from llm_calc.adapters.planning.turns import turn_lengths
from llm_calc.adapters.polls import default_looks
from llm_calc.adapters.setup import Subject, resolved
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.engines import ENGINE_PARTS, EnginePart
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.workload_rules import most_prompt_tokens
from llm_calc.core.engines import Engine, traits_of
from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.hardware import Gpu
from llm_calc.core.planning.bounds import Limits
from llm_calc.core.planning.day import Day
from llm_calc.core.planning.targets import aimed_at
from llm_calc.core.serving.batch import Lengths


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Started:
    """An engine with its options: as plans name it, as it plans, and the release whose rules it has."""

    part: EnginePart
    engine: Engine
    rules: EngineRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What all candidates of a search have in common; ``source``: the model as it was read, once.

    ``processor``: limits of the images' own processor.
    """

    catalogs: Catalogs
    model: ModelPart
    source: SourcedModel
    workload: WorkloadPart
    limits: Limits
    percentile: str
    gpus_per_node: int
    targets_kept_fraction: float = 0.0
    calibration: CalibrationPart | None = None
    day: Day | None = None
    processor: Mapping[str, object] | None = None
    subjects: dict[tuple[int, Gpu], Subject] = field(default_factory=dict, compare=False)
    engines: dict[tuple[object, ...], Started] = field(default_factory=dict, compare=False)
    fitted: dict[tuple[Row, str, int], tuple[Started, Planned] | None] = field(
        default_factory=dict, compare=False
    )

    def subject(self, row: Row) -> Subject:
        """What runs where, over the row's layout.

        Raises:
            CalcError: the engine does not run it.
        """
        base = self.subject_on(row.choice, row.gpu)
        return replace(base, setup=replace(base.setup, layout=row.layout))

    def subject_on(self, choice: Choice, gpu: Gpu) -> Subject:
        """The same on one GPU, resolved once for each choice and kind of GPU.

        Raises:
            CalcError: the engine does not run it.
        """
        key = id(choice.precision), gpu
        if key not in self.subjects:
            found = resolved(
                self.catalogs,
                self.source,
                precision=choice.part,
                hardware=HardwarePart(gpu=gpu.id, gpus_per_node=self.gpus_per_node),
                parallelism=ParallelismPart(),
                engine=choice.engine,  # type: ignore[arg-type]
                processor=self.processor,
            )
            self.subjects[key] = with_cache_types(found, choice.part, self.started(choice.engine, {}).part)
        return self.subjects[key]

    def started(self, engine: str, options: Options) -> Started:
        """An engine with these options, built once."""
        key = engine, *options.items()
        if key not in self.engines:
            part: EnginePart = ENGINE_PARTS[engine](**options)  # type: ignore[assignment]
            self.engines[key] = Started(part=part, engine=engine_from(part), rules=release_of(part))
        return self.engines[key]

    def starts(self, row: Row, workload: WorkloadPart) -> Iterator[Started]:
        """The row's engine in every way that may hold the load, the most usual first."""
        needed = Needed(
            context_tokens=workload.longest_tokens,
            requests=workload.requests_in_flight,
            replicas=row.layout.data,
            open=workload.load not in ("concurrency", "batch"),
            cut_prompts=self._cuts(row.choice.engine, workload),
        )
        engine = row.choice.engine
        own = {**row.choice.way.options(engine), **default_looks(engine, row.gpu)}
        return (
            self.started(engine, {**options, **own}) for options in traits_of(engine).load.started(needed)
        )

    def _cuts(self, engine: str, workload: WorkloadPart) -> bool:
        """Whether the engine takes no prompt that is longer than a step, and the load has some."""
        most = getattr(self.started(engine, {}).engine, "max_num_tokens", None)
        return most is not None and most_prompt_tokens(workload) > most

    @property
    def aimed(self) -> Limits:
        """What closed forms are held to: the limits, and what targets say of means where most have to keep them."""
        return aimed_at(self.limits, targets_of(self.workload), self.targets_kept_fraction)

    @property
    def spare_replicas(self) -> int:
        """Replicas beside those that the load needs."""
        return 0 if self.day is None else self.day.spare_replicas

    @property
    def context_tokens(self) -> int:
        """Prompt and answer of a request, their means where they vary."""
        return round(float(self.lengths.input_tokens + self.lengths.output_tokens))

    @property
    def lengths(self) -> Lengths:
        """Lengths of a request as the core takes them; of turns their means, with all that may be found in a cache."""
        return turn_lengths(self.workload) if self.workload.grows else lengths_of(self.workload)
