"""What one GPU reaches in practice: its peaks times the efficiencies of an engine."""

from dataclasses import dataclass

from llm_calc.core.arrays import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearRates:
    """Reached rates of one group of matrices."""

    bytes_per_s: Quantity
    flops_per_s: Quantity
    vector_flops_per_s: Quantity = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Everything that turns the work of a step into seconds.

    ``linear``: one entry a group, in the order of ``operators.GROUPS``. ``routing_exponent``: tokens of a step
    choose experts alike, so that ``tokens ** exponent`` independent ones touch as many (1: independent).
    ``layer_s`` … ``sequence_s``: what a layer, a step and a sequence of a step cost beside the roofs (launches,
    small kernels, the scheduler, sampling); ``prefill_layer_s``: a layer of a step with prompt tokens, which
    engines run without captured graphs: the least time of such a step.
    """

    linear: tuple[LinearRates, ...]
    activation_bytes_per_s: Quantity
    kv_bytes_per_s: Quantity
    state_bytes_per_s: Quantity
    decode_attention_flops_per_s: Quantity
    prefill_attention_flops_per_s: Quantity
    link_bytes_per_s: Quantity
    collective_s: Quantity
    collective_doubling: Quantity
    layer_s: Quantity
    expert_layer_s: Quantity
    latent_layer_s: Quantity
    recurrent_layer_s: Quantity
    prefill_layer_s: Quantity
    step_s: Quantity
    sequence_s: Quantity
    routing_exponent: Quantity = 1.0
    hop_s: Quantity = 1e-5
    vector_tokens: Quantity = 0
    tile_tokens: Quantity = 1
    saturation_tokens: Quantity = 0.0
    overlap_exponent: float = 3.0
