"""Where servers on other vendors' chips are expected, from the same engines in process."""

import json
from math import exp

import pytest

from tools.calibrate.in_process import ported_centres
from tools.calibrate.measurements import ROOT
from tools.calibrate.priors import IN_PROCESS, SERVED

FITTED = json.loads((ROOT / "batch.json").read_text())["efficiencies"]


@pytest.mark.parametrize("name", sorted(set(IN_PROCESS.values())))
def test_others_stand_as_far_from_the_first_vendor_as_in_process(name: str) -> None:
    """Both deviations of the written fit, divided: what MI300X reaches there of what NVIDIA's chips do."""
    own = FITTED[name]["deviations"]
    ratio = exp(own["maker:other"]) / exp(own["maker:nvidia"])
    assert exp(ported_centres(name)["maker:other"]) == pytest.approx(ratio)
    assert ported_centres(name)["generation:cdna3"] == own["generation:cdna3"]
    assert not any("hopper" in key or "blackwell" in key for key in ported_centres(name))


def test_a_server_on_other_chips_starts_below_nvidia() -> None:
    """vLLM in process on MI300X read and multiplied more slowly; torch.matmul reaches 0.51 of its peak, of H100's 0.80
    (stas00/ml-engineering, MAMF)."""
    for served, process in IN_PROCESS.items():
        assert SERVED[served].centres["maker:other"] == ported_centres(process)["maker:other"] < 0
    both = ported_centres("dense_compute_fraction")
    assert 0.4 < exp(both["maker:other"] + both["generation:cdna3"]) < 0.64
