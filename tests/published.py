"""All published runs at once, for tests; the product reads them one by one."""

from functools import cache

from llm_calc.adapters.measured_runs import RunRow, runs_of


@cache
def load_runs() -> tuple[RunRow, ...]:
    return tuple(runs_of())
