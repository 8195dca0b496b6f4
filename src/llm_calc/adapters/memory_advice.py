"""What would make it fit, as answers tell it: single mild changes, and a table of what fits."""

from dataclasses import asdict

import numpy as np

from llm_calc.adapters.formats.recipes import number_format, recipe_for
from llm_calc.adapters.runs_on import runs_format
from llm_calc.adapters.wire.memory import Change, ContextRow
from llm_calc.core.advice import memory
from llm_calc.core.deployments.question import Asked
from llm_calc.core.engines import Engine, MemoryPlan, Setup

CONCURRENCY = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FIRST_CONTEXT = 1024
FORMATS = memory.Formats(cache=number_format, weights=recipe_for, runs=runs_format)


def changes_that_fit(setup: Setup, engine: Engine, asked: Asked) -> list[Change]:
    """The mildest value of each field that alone would do."""
    return [Change(**asdict(each)) for each in memory.changes_that_fit(setup, engine, asked, FORMATS)]


def with_context_said(setup: Setup, engine: Engine, asked: Asked) -> list[Change]:
    """What does where the engine is started for the request's own lengths instead of its defaults."""
    return [Change(**asdict(each)) for each in memory.with_context_said(setup, engine, asked, FORMATS)]


def context_table(plan: MemoryPlan, longest: int) -> list[ContextRow]:
    """Concurrency at contexts in powers of two up to ``longest``, and at ``longest`` itself."""
    contexts = [FIRST_CONTEXT << step for step in range(32) if FIRST_CONTEXT << step < longest] + [longest]
    holds = plan.available_bytes > 0
    most = plan.max_concurrency(np.array(contexts, dtype=np.float64)) if holds else np.zeros(len(contexts))
    return [
        ContextRow(
            context_tokens=context,
            max_concurrency=int(sequences),
            fits=[bool(sequences >= wanted) for wanted in CONCURRENCY],
        )
        for context, sequences in zip(contexts, np.atleast_1d(most), strict=True)
    ]
