"""What several replicas do beside each other."""

from dataclasses import replace

from llm_calc.core.serving.estimate import Estimate


def times(found: Estimate, replicas: float) -> Estimate:
    """The same from so many replicas at once [s, tokens/s].

    Definition: rates and sequences times replicas; what a request takes is that of one.
    """
    return replace(
        found,
        output_tokens_per_s=found.output_tokens_per_s * replicas,
        total_tokens_per_s=found.total_tokens_per_s * replicas,
        requests_per_s=found.requests_per_s * replicas,
        running=found.running * replicas,
    )
