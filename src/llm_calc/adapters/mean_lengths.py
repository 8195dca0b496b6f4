"""Mean lengths of a request's load as the core takes them."""

from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.serving.batch import Lengths


def lengths_of(workload: WorkloadPart) -> Lengths:
    """Tokens of a request."""
    return Lengths(
        input_tokens=float(workload.mean_input_tokens),
        output_tokens=float(workload.mean_output_tokens),
        cached_fraction=workload.cached_fraction,
    )
