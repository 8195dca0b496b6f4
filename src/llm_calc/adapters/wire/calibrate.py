"""Request and answer of ``/api/calibrate``, and the ``calibration`` part that other requests take."""

from typing import Annotated

from pydantic import Field

from llm_calc.adapters.wire.base import StrictRequest

Factor = Annotated[float, Field(ge=0.1, le=10)]
EfficiencyName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]


class CalibrationPart(StrictRequest):
    """Efficiencies fitted to the caller's own measurements, as ``/api/calibrate`` answers them.

    ``scales`` multiply the base of efficiencies of the same name, which stay within their bounds.
    """

    scales: Annotated[dict[EfficiencyName, Factor], Field(max_length=40)] = Field(
        description="Factors by name of the efficiency [-]"
    )
    measurements: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        0, description="Measurements that they were fitted to [measurements]"
    )
    mean_error_fraction: Annotated[float, Field(ge=0, le=1e6)] | None = Field(
        None, description="Mean error that is left over them [-]"
    )
