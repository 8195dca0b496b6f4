"""A memory plan with all that was found out about its request, and the sentence of what decides."""

from dataclasses import dataclass, replace

from llm_calc.adapters.engine_catalog import EngineRules
from llm_calc.adapters.lora import Served
from llm_calc.adapters.memory_reason import memory_reason
from llm_calc.adapters.setup import Subject
from llm_calc.core.deployments.question import Asked, Held
from llm_calc.core.engines import Engine, MemoryPlan
from llm_calc.core.engines.plan_words import plan_warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A request with everything that was found out about it.

    ``prefill``: the other side, where it is made otherwise.
    """

    subject: Subject
    engine: Engine
    rules: EngineRules
    held: Held
    lora: Served | None = None
    prefill: "Planned | None" = None

    @property
    def plan(self) -> MemoryPlan:
        """What the engine does with the memory."""
        return self.held.plan

    @property
    def asked(self) -> Asked:
        """What it was asked to hold."""
        return self.held.asked

    @property
    def fits(self) -> bool:
        """Whether it holds that, and the other side a request."""
        return self.held.fits and (self.prefill is None or self.prefill.fits)

    @property
    def starts(self) -> bool:
        """Whether the engine starts, on both sides where there are two."""
        return self.plan.starts and (self.prefill is None or self.prefill.starts)

    @property
    def serves(self) -> bool:
        """Whether it fits and the engine starts, with its default context where none is said."""
        return self.fits and self.starts


def prefill_warnings(planned: Planned) -> list[str]:
    """What the plan of the other side warns of."""
    side = planned.prefill
    if side is None:
        return []
    own = plan_warnings(side.plan, side.asked, side.subject.setup.gpu, fits=side.fits)
    return [f"prefill side: {each}" for each in own]


def reason_of_both(planned: Planned) -> str:
    """The same of two sides: what decides of each that fails, under its name."""
    if planned.prefill is None:
        return reason_of(planned)
    decode = replace(planned, prefill=None)
    sides = {"prefill side": planned.prefill, "decode side": decode}
    failing = {name: side for name, side in sides.items() if not side.serves}
    return "; ".join(
        f"{name}: {reason_of(side)}" for name, side in (failing or {"decode side": decode}).items()
    )


def reason_of(planned: Planned) -> str:
    """One sentence with the numbers of what decides."""
    return memory_reason(planned.plan, planned.asked, fits=planned.fits)
