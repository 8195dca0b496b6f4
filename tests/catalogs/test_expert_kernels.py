"""What timings of grouped expert kernels say before a fit."""

from math import exp

import pytest

from tools.calibrate.expert_kernels import kernel_centres


@pytest.mark.parametrize(
    ("kernel", "fixed_us"),
    [
        ("trtllm/mxfp4/blackwell", (18, 22)),  # w4a8_mxfp4_mxfp8, not w4a16 at 44 to 45
        ("trtllm/mxfp4/hopper", (48, 49)),  # w4a16 alone
        ("sglang/mxfp4/blackwell-workstation", (47, 48)),
    ],
)
def test_of_alternatives_for_one_format_the_faster_is_taken(
    kernel: str, fixed_us: tuple[float, float]
) -> None:
    least, most = fixed_us
    assert least <= 1e6 * exp(kernel_centres("fixed_s", 1.0)[f"kernel:{kernel}"]) <= most
