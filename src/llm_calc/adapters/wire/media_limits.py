"""Limits of images, videos and sounds in a prompt, in both spellings that vLLM takes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, WithJsonSchema

from llm_calc.core.workloads.largest_images import NO_LIMIT, ItemLimit

Kind = Literal["image", "video", "audio"]
MOST = 1_000_000_000
SIZES: Mapping[str, tuple[str, ...]] = {
    "image": ("width", "height"),
    "video": ("num_frames", "width", "height"),
    "audio": ("length",),
}
"""What vLLM takes beside the count: ``config/multimodal.py`` of 0.33.0."""
_NUMBER = {"type": "integer", "minimum": 0, "maximum": MOST}


def _checked(limits: dict[Kind, Any]) -> dict[Kind, Any]:
    """The limits, each a number of items or an object of numbers that its kind has.

    Raises:
        ValueError: something else.
    """
    for kind, limit in limits.items():
        accepted = ("count", *SIZES[kind])
        for key, number in limit.items() if isinstance(limit, dict) else [("count", limit)]:
            if key not in accepted:
                raise ValueError(f"{kind}.{str(key)[:40]} is not known; accepted are {', '.join(accepted)}")
            if number is not None or not isinstance(limit, dict):
                _check(f"{kind}.{key}" if isinstance(limit, dict) else kind, number, int(key != "count"))
    return limits


def _check(name: str, number: object, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= MOST:
        raise ValueError(
            f"{name} must be a whole number of {least} or more, or an object with count and sides"
        )


MediaLimit = Annotated[
    Any, WithJsonSchema({"anyOf": [_NUMBER, {"type": "object", "additionalProperties": _NUMBER}]})
]
"""Most items of a kind, as a number or in vLLM's longer spelling."""

MediaLimits = Annotated[dict[Kind, MediaLimit], AfterValidator(_checked)]


def items_of(limits: Mapping[Kind, Any]) -> tuple[tuple[str, ItemLimit], ...]:
    """The limits as values, in the order of their names."""
    return tuple((kind, _item(limit)) for kind, limit in sorted(limits.items()))


def _item(limit: int | Mapping[str, int | None]) -> ItemLimit:
    said = {"count": limit} if isinstance(limit, int) else {k: v for k, v in limit.items() if v is not None}
    return ItemLimit(**{"count": NO_LIMIT.count, **said})
