"""The few factors on efficiencies that a user's own measurements are fitted by."""

import math
from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Efficiencies that are off together, by the same factor; ``prior``: by how much, in natural logarithms."""

    name: str
    efficiencies: tuple[str, ...]
    prior: float
    needs: str


FACTORS = (
    Factor(
        name="memory bandwidth",
        efficiencies=(
            "dense_bandwidth_fraction",
            "expert_bandwidth_fraction",
            "kv_bandwidth_fraction",
            "activation_bandwidth_fraction",
            "state_bandwidth_fraction",
        ),
        prior=0.2,
        needs="few requests at once on a large model",
    ),
    Factor(
        name="arithmetic",
        efficiencies=(
            "dense_compute_fraction",
            "expert_compute_fraction",
            "vector_compute_fraction",
            "decode_attention_compute_fraction",
            "prefill_attention_compute_fraction",
        ),
        prior=0.3,
        needs="long prompts or many requests at once",
    ),
    Factor(
        name="time of collectives",
        efficiencies=("collective_s",),
        prior=0.4,
        needs="several GPUs",
    ),
    Factor(
        name="time beside operators",
        efficiencies=(
            "layer_s",
            "expert_layer_s",
            "latent_layer_s",
            "sparse_layer_s",
            "recurrent_layer_s",
            "prefill_layer_s",
            "step_s",
            "sequence_s",
        ),
        prior=0.4,
        needs="small models or few requests at once",
    ),
    Factor(
        name="time of the server before a first token",
        efficiencies=("request_s", "prompt_token_s", "arrival_s"),
        prior=0.5,
        needs="times to first token of several requests at once",
    ),
)


def scales_of(logs: FloatArray, largest: float) -> dict[str, float]:
    """Factors by efficiency, held within ``1 / largest`` and ``largest`` [1].

    Definition: ``exp`` of the logarithm of the factor that each belongs to.
    """
    edge = 1 - 1e-12
    return {
        name: float(np.clip(math.exp(log), 1 / largest / edge, largest * edge))
        for factor, log in zip(FACTORS, logs, strict=True)
        for name in factor.efficiencies
    }
