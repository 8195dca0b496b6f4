"""What must fit beside a prompt for its request to enter, as an engine's options and layout have it."""

from llm_calc.core.engines import Engine
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.engines.sglang_schedule import reserved_part
from llm_calc.core.parallelism import Layout


def reserved_by(engine: Engine, measured: float, layout: Layout) -> float:
    """Part of the output that must fit beside the prompt, of what was ``measured`` of an engine by default [1].

    Definition: SGLang's :func:`.sglang_schedule.reserved_part`; of others as measured.
    """
    if isinstance(engine, Sglang):
        return reserved_part(measured, engine.schedule_conservativeness, layout)
    return measured
