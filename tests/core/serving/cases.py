"""A GPU and rates to test with."""

from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import Model
from llm_calc.core.operators import StepWork, step_work, summed
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.rates import Kernels, Machine, Rates, reached_rates
from tests.builders import plain_recipe

MACHINE = Machine(
    memory_bytes_per_s=3.35e12,
    group_flops_per_s=(989e12,) * 4,
    wide_flops_per_s=989e12,
    vector_flops_per_s=67e12,
    link_bytes_per_s=450e9,
)
TIMES = {
    "collective_s": 5e-6,
    "collective_doubling": 0.4,
    "layer_s": 2e-5,
    "expert_layer_s": 2e-5,
    "latent_layer_s": 2e-5,
    "sparse_layer_s": 2e-5,
    "recurrent_layer_s": 2e-5,
    "prefill_layer_s": 2e-4,
    "prefill_more_s": 0.0,
    "gather_steps": 0.0,
    "matrix_s": 0.0,
    "step_s": 1e-4,
    "sequence_s": 1e-5,
    "routing_exponent": 1.0,
    "saturation_tokens": 0.0,
    "expert_pad_rows": 0.0,
    "stage_loss_fraction": 0.2,
    "overlap_loss_fraction": 0.2,
    "power_exponent": 0.5,
}
PLAIN = Kernels(name="test")
PERFECT = {**dict.fromkeys(TIMES, 0.0), "routing_exponent": 1.0}
"""Nothing but the roofs."""


def rates(fraction: float = 0.6, times: dict[str, float] = TIMES, kernels: Kernels = PLAIN) -> Rates:
    """Every fraction of a peak the same."""
    return reached_rates(MACHINE, lambda name, _: times.get(name, fraction), kernels)


def work(model: Model, **sizes: int) -> StepWork:
    """Everything in bf16."""
    return summed(step_work(model, plain_recipe(), Layout(**sizes), CacheFormat()))  # type: ignore[arg-type]
