"""The ``calibration`` part of a request: what ``/api/calibrate`` answers and everything that predicts takes."""

from typing import Annotated

from pydantic import Field

from llm_calc.adapters.wire.base import StrictRequest

LARGEST_FACTOR = 4.0
"""No factor is larger, nor smaller than its inverse: further off, something else is wrong."""

Factor = Annotated[float, Field(ge=1 / LARGEST_FACTOR, le=LARGEST_FACTOR)]
EfficiencyName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]


class CalibrationPart(StrictRequest):
    """Efficiencies fitted to the caller's own measurements, as ``/api/calibrate`` answers them.

    ``scales`` multiply the efficiencies of the same name, which stay within their bounds.
    """

    scales: Annotated[dict[EfficiencyName, Factor], Field(max_length=40)] = Field(
        description="Factors by name of the efficiency, a quarter to four [-]"
    )
    measurements: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        0, description="Measured figures that they were fitted to [measurements]"
    )
    mean_error_fraction: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Mean error over those, had each been left out [-]"
    )
