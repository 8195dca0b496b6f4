"""How the scheduler of an engine forms steps, as was measured of it."""

from llm_calc.adapters.calibration import load_calibration_file
from llm_calc.core.calibration import Calibration
from llm_calc.core.engines import ANY_ENGINE, Engine, MemoryPlan
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.admission import reserved_by
from llm_calc.core.serving.traffic import Scheduling


def scheduling_of(
    calibration: Calibration, engine: Engine, plan: MemoryPlan, layout: Layout
) -> tuple[Scheduling, float]:
    """How the engine forms steps, and which part of its planned cache it fills.

    ``layout``: of one replica, whose groups of attention wait for each other.
    """
    rows = load_calibration_file("served").scheduling
    row = rows.get(engine.name, rows[ANY_ENGINE])
    scheduling = Scheduling(
        policy=row.policy,
        budget_tokens=float(max(plan.limits.max_batched_tokens, 1)),
        replicas=layout.data,
        reserved_fraction=reserved_by(engine, row.reserved_fraction, layout),
    )
    return scheduling, row.capacity_fraction if calibration.name == "served" else 1.0
