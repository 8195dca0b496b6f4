"""Time of the encoder of images, before first tokens and in what the GPUs can serve."""

from dataclasses import replace

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.images import Seen
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.core.serving.encoder import Encoder

AGAIN = "; those of turns before are encoded again where their contexts are computed again"


def encoder_seconds(placed: Placed, seen: Seen) -> float:
    """Time of the encoder for the images of one request, on all GPUs of a replica, in 16 bits [s].

    At the rate of prompts' attention, or that of their matrices where it is lower.
    """
    machine, rates = placed.machine, placed.deployment.rates
    reached = float(rates.linear[0].flops_per_s) / float(machine.group_flops_per_s[0])
    slower = min(
        float(machine.wide_flops_per_s) * min(1.0, reached), float(rates.prefill_attention_flops_per_s)
    )
    return seen.flops / (slower * placed.layout.tensor)


def with_encoder(placed: Placed, seen: Seen | None) -> Placed:
    """The deployment with the encoder that each request needs; replicas of attention encode apart."""
    if seen is None:
        return placed
    encoder = Encoder(seconds=encoder_seconds(placed, seen), groups=placed.layout.data)
    return replace(placed, novel=True, encoder=encoder)


def with_timed_images(
    answer: ServingEstimateAnswer, seen: Seen | None, placed: Placed, workload: WorkloadPart, replicas: float
) -> ServingEstimateAnswer:
    """An answer whose times hold the encoder; ``replicas``: that encode. None: no images."""
    if seen is None:
        return answer
    seconds, part = placed.encoder.seconds, workload.sessions
    once = part is not None and part.turns > 1 and part.growth_tokens is not None
    most = replicas / placed.encoder.share_s
    several = part is not None and part.turns > 1
    bound = AGAIN if several else f", and no load serves more than {most:.3g} requests a second"
    each = "first request of a session" if once else "request"
    words = (
        f"workload.images: the encoder takes {seconds:.3g} s of the GPUs for each {each}, before its first token; "
        f"steps of others wait meanwhile{bound}"
    )
    return answer.model_copy(
        update={
            "images": seen.answer(seconds),
            "assumptions": [*answer.assumptions, *seen.words, words],
        }
    )
