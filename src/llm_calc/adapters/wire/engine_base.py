"""What the engine parts of a request have in common: types of options, and the release."""

from typing import Annotated

from pydantic import Field, JsonValue

from llm_calc.adapters.wire.base import StrictRequest

Fraction = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1e6)]
FormatName = Annotated[str, Field(min_length=1, max_length=60)]
Length = Annotated[int, Field(ge=1, le=1_000_000_000)]
Size = Annotated[int, Field(ge=1, le=1_000_000)]
StageLayersText = Annotated[str, Field(max_length=20_000, pattern=r"^\s*\d+\s*(,\s*\d+\s*)*$")]
Ratio = Annotated[float, Field(gt=0, le=100)]


class EngineBase(StrictRequest):
    """What every engine takes."""

    version: Annotated[str, Field(max_length=60)] | None = Field(
        None,
        description="Release that runs, such as 0.33.0, v0.17.1 or b11549; 0.11 stands for 0.11.x; absent: the newest "
        "known. It chooses the rules and defaults; one that is not known gets those of the nearest, under a warning",
    )
    further: (
        Annotated[tuple[Annotated[str, Field(max_length=80)], ...], Field(max_length=300, strict=False)]
        | None
    ) = Field(
        None,
        description="Names of options that are passed to the engine and that nothing here counts; those that are said "
        "under their own names are brought here",
    )
    further_values: Annotated[dict[str, JsonValue], Field(max_length=300)] | None = Field(
        None, description="What was said of options in further, which launch commands repeat"
    )
