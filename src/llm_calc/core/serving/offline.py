"""The most output tokens a second: a long queue keeps as many sequences running as memory and engine allow."""

from dataclasses import dataclass

from llm_calc.core.arrays import Quantity, larger, smaller
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.step import StepLoad, step_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """Steady state of a long queue: sequences at once, one step of a stage's share of them, tokens a second."""

    running: Quantity
    step_s: Quantity
    output_tokens_per_s: Quantity


def steady_state(
    work: StepWork, rates: Rates, lengths: Lengths, capacity: Quantity, limit: Quantity
) -> Offline:
    """``tokens/s = B / t(B / stages)`` with ``B = min(capacity, limit x stages)``.

    Each step decodes ``b = B / stages`` sequences at half of their answers and carries the prompts of those that
    replace finished ones: ``b x input / output`` tokens. With ``g`` stages every stage works on its own share, and a
    step takes ``1 + loss x (g - 1) / g`` times as long for bubbles and hand-overs.
    """
    running = larger(smaller(capacity, limit * work.stages), 1.0)
    share = larger(running / work.stages, 1.0)
    load = StepLoad(
        sequences=share,
        context_start=lengths.input_tokens,
        context_end=lengths.input_tokens + lengths.output_tokens,
        prompt_tokens=share * lengths.new_tokens / lengths.output_tokens,
        prompts=share / lengths.output_tokens,
        prompt_start=lengths.cached_tokens,
    )
    bubbles = 1 + rates.stage_loss_fraction * (work.stages - 1) / work.stages
    step_s = step_seconds(work, load, rates) * bubbles
    return Offline(running=running, step_s=step_s, output_tokens_per_s=running / step_s)
