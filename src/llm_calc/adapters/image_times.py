"""Time of the encoder of images, before first tokens and in what the GPUs can serve."""

from dataclasses import replace

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.images import Seen
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.core.serving.encoder import Encoder


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


def encoded_per_s(placed: Placed) -> float:
    """What encoders alone would get through on all replicas [requests/s]."""
    return placed.replicas / placed.encoder.share_s


def with_timed_images(answer: ServingEstimateAnswer, seen: Seen, placed: Placed) -> ServingEstimateAnswer:
    """An answer whose times hold the encoder."""
    seconds = placed.encoder.seconds
    words = (
        f"workload.images: the encoder takes {seconds:.3g} s of the GPUs for each request, before its first token; "
        f"steps of others wait meanwhile, and no load serves more than {encoded_per_s(placed):.3g} requests a second"
    )
    return answer.model_copy(
        update={
            "images": seen.answer(seconds),
            "assumptions": [*answer.assumptions, *seen.words, words],
        }
    )


def with_untimed_images(answer: ServingEstimateAnswer, seen: Seen | None) -> ServingEstimateAnswer:
    """An answer to a load whose requests are told apart: images count by their tokens alone."""
    if seen is None:
        return answer
    words = "workload.images: the time of the encoder is not part of the times of this kind of load"
    return answer.model_copy(
        update={
            "images": seen.answer(None),
            "assumptions": [*answer.assumptions, *seen.words],
            "warnings": [*answer.warnings, words],
        }
    )
