"""Lengths of a request's load as the core draws them."""

from functools import lru_cache

from llm_calc.adapters.wire.lengths import LengthPart
from llm_calc.core.workloads import distributions as core
from llm_calc.core.workloads.draws import Draw


def draw_of(part: LengthPart) -> Draw:
    """A distribution as quantiles."""
    return _draw(part.model_dump_json())


@lru_cache(maxsize=256)
def _draw(text: str) -> Draw:
    part = LengthPart.model_validate_json(text)
    low = part.min or 1.0
    mean, std = part.mean or 1.0, part.std or 1.0
    match part.distribution:
        case "fixed":
            return core.uniform(mean, mean)
        case "uniform":
            return core.uniform(low, part.max or low)
        case "normal":
            return core.normal(mean, std, low, part.max)
        case "lognormal":
            return core.lognormal(mean, std, low, part.max)
        case "exponential":
            return core.exponential(mean, low, part.max)
        case "quantiles":
            return Draw(tuple(part.levels or ()), tuple(part.values or ()))
        case "histogram":
            return core.histogram(part.edges or (), part.counts or ())
