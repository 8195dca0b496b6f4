"""What must fit beside a prompt for its request to enter, as an engine's options and layout have it."""

from llm_calc.core.engines import Engine
from llm_calc.core.parallelism import Layout


def reserved_by(engine: Engine, measured: float, layout: Layout) -> float:
    """Part of the output that must fit beside the prompt, of what was ``measured`` of an engine by default [1].

    ``min(1, measured x caution x (own part where attention is dealt over groups))``: SGLang's
    ``schedule_conservativeness`` and 0.3; 1 of other engines.
    Source: SGLang 0.5.23 ``srt/arg_groups/parallel_hook.py``, ``handle_data_parallelism``, and
    ``srt/managers/scheduler_components/new_token_ratio_tracker.py``; checked: 2026-11-30, read.
    Leaves out: that the part falls while nothing is taken back, which ``measured`` holds as a mean.
    """
    load = engine.traits.load
    caution = 1.0 if load.caution is None else float(getattr(engine, load.caution))
    return min(1.0, measured * caution * (load.caution_dealt if layout.groups > 1 else 1.0))
