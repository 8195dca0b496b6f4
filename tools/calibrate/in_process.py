"""What engines reached in process on chips of other vendors: where their servers on such chips are expected."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.core.calibration import chip_class
from llm_calc.core.serving.calibrated import FIRST_VENDOR, maker_of
from tools.calibrate.measurements import ROOT

FAMILY = "batch"
OTHERS, FIRST = "maker:other", f"maker:{FIRST_VENDOR}"


def ported_centres(name: str) -> Mapping[str, float]:
    """Where deviations of chips of other vendors than the first are expected to stand, by key [ln].

    As the fit of the same engines in process has them: of the vendors ``other - first``, of each of their classes of
    chips its own. Kernels reach the same parts of the roofs with and without a client.
    """
    own = _deviations()[name]
    found = {key: value for key, value in own.items() if key in _classes_of_others()}
    return {OTHERS: own.get(OTHERS, 0.0) - own.get(FIRST, 0.0), **found}


@cache
def _deviations() -> Mapping[str, Mapping[str, float]]:
    fitted: Mapping[str, Any] = json.loads((ROOT / f"{FAMILY}.json").read_text())
    return {name: each["deviations"] for name, each in fitted["efficiencies"].items()}


@cache
def _classes_of_others() -> frozenset[str]:
    makers = {(chip_class(gpu), maker_of(gpu.vendor.lower())) for gpu in load_catalogs().gpus}
    return frozenset(f"generation:{chip}" for chip, maker in makers if maker != FIRST_VENDOR)
