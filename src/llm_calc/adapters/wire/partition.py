"""Layers of pipeline stages under the names of engines' environment variables, brought to the layout."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError

Ways = Annotated[int, Field(ge=1, le=4096)]
StageLayers = Annotated[
    tuple[Annotated[int, Field(ge=1, le=100_000)], ...], Field(min_length=1, max_length=4096, strict=False)
]
FLAG = "pp_layer_partition"
_SIZES = re.compile(r"\s*\d{1,6}\s*(,\s*\d{1,6}\s*)*")


def with_partition(
    data: dict[str, Any], engine: Mapping[str, Any], name: str, layout: dict[str, Any]
) -> dict[str, Any]:
    """A request whose layout says the layers that the engine's part said; ``layout``: what it says already.

    Raises:
        InvalidInputError: no list of whole numbers, or another than the layout's.
    """
    said = engine.get(FLAG)
    if said is None or not traits_of(name).options.partition:
        return data
    if not isinstance(said, str) or not _SIZES.fullmatch(said):
        raise InvalidInputError(
            f"engine.{FLAG}: must be layers of each stage, such as 24,40", field=f"engine.{FLAG}"
        )
    sizes = [int(size) for size in said.split(",")]
    other = layout.get("stage_layers")
    if other is not None and list(other) != sizes:
        msg = f"engine.{FLAG}: {said} and parallelism.stage_layers say different things; give one"
        raise InvalidInputError(msg, field=f"engine.{FLAG}")
    rest = {flag: value for flag, value in engine.items() if flag != FLAG}
    return {**data, "engine": rest, "parallelism": {**layout, "stage_layers": sizes}}
