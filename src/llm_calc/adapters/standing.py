"""What stands of a deployment whatever its load is: its memory plan and who does what of a step.

Users ask for one deployment under many loads. Both are kept for the last ones that were asked for, as long as a
request says all of it in values that can be compared; drafts, adapters and the caller's own measurements are not kept.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.adapters.beside_model import NOTHING_BESIDE, Beside, beside_of
from llm_calc.adapters.calibration import Family, load_calibration
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engines import can_be_compared, engine_from
from llm_calc.adapters.hosts import load_reached
from llm_calc.adapters.served import as_seen, with_chosen_cache
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.speculation import true_warnings
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.speculative import SpeculativePart
from llm_calc.core.calibration import Calibration
from llm_calc.core.engines import Engine, MemoryPlan
from llm_calc.core.operators import StepWork, summed
from llm_calc.core.parallelism import one_replica
from llm_calc.core.serving.calibrated import host_under
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.offload import Offload
from llm_calc.core.serving.rates import Machine
from llm_calc.core.serving.timed import timed

KEPT = 64
"""Deployments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The plan of one replica, the peaks of its GPUs, its operators one by one and summed, and the host's parts."""

    plan: MemoryPlan
    machine: Machine
    offload: Offload
    operators: StepWork
    work: StepWork
    host: HostTimes


@dataclass(frozen=True, slots=True)
class Asked:
    """What it follows from; ``many``: whether requests meet others."""

    subject: Subject
    engine: EnginePart
    catalogs: Catalogs
    gpus_per_node: int
    many: bool

    def standing(self, built: Engine, calibration: Calibration, beside: Beside) -> Standing:
        """What stands, made anew.

        Raises:
            CalcError: as the engine's plan.
        """
        setup = self.subject.setup
        layout, _ = one_replica(setup.layout)
        cluster = self.catalogs.cluster(setup.gpu, layout.gpus, self.gpus_per_node)
        setup = replace(setup, layout=layout)
        plan = with_chosen_cache(built.plan(beside.held(setup)), self.engine)
        machine, offload, work = timed(
            beside.worked(setup), built, cluster, calibration, load_reached(), many=self.many
        )
        whole = summed(work)
        host = host_under(calibration, built, self.subject.setup, whole)
        return Standing(plan=plan, machine=machine, offload=offload, operators=work, work=whole, host=host)

    def seen(self, stands: Standing, workload: WorkloadPart) -> MemoryPlan:
        """The plan under a load, marked where no measured run tells of a larger cache than planned."""
        return as_seen(stands.plan, workload, self.subject)


def standing(asked: Asked, built: Engine, calibration: Calibration, beside: Beside) -> Standing:
    """What stands of a deployment, made anew or as kept.

    Raises:
        CalcError: as the engine's plan.
    """
    family: Family = calibration.name  # type: ignore[assignment]
    plain = beside == NOTHING_BESIDE and calibration is load_calibration(family)
    if plain and can_be_compared(asked.engine) and built is engine_from(asked.engine):
        return _kept(asked, family)
    return asked.standing(built, calibration, beside)


def stands_beside(
    speculative: SpeculativePart | None,
    lora: LoraPart | None,
    subject: Subject,
    catalogs: Catalogs,
    engine: EnginePart,
) -> Beside:
    """What a request says of a draft and of adapters; most say nothing.

    Raises:
        CalcError: as :func:`.beside_model.beside_of`.
    """
    if speculative is None and lora is None:
        return NOTHING_BESIDE
    return beside_of(speculative, lora, subject, catalogs, engine.name, engine.version)


def true_beside(subject: Subject, beside: Beside) -> tuple[str, ...]:
    """Warnings of what runs where, but for those that a draft makes untrue."""
    layers = beside.draft.layers
    return true_warnings(subject.warnings, layers) if layers else subject.warnings


@lru_cache(KEPT)
def _kept(asked: Asked, family: Family) -> Standing:
    return asked.standing(engine_from(asked.engine), load_calibration(family), NOTHING_BESIDE)
