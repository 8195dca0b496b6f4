"""The roofline by hand, for one GPU and for many at once."""

import pytest

from llm_calc.core.throughput import Columns, Roofs, roofline, units_per_s_of_each

ROOFS = Roofs(flops_per_s=100.0, bytes_per_s=10.0, efficiency_fraction=0.5, gpus=2)


@pytest.mark.parametrize(
    ("flops", "moved", "seconds", "bound"),
    [
        # 1000 FLOP at 2 x 50 a second are 10 s; 50 bytes at 10 a second 5 s: what is moved lies on each GPU.
        (1000.0, 50.0, 10.0, "compute"),
        (100.0, 50.0, 5.0, "memory"),
        # As long under both roofs: the compute roof is named.
        (500.0, 50.0, 5.0, "compute"),
    ],
)
def test_the_longer_roof_decides(flops: float, moved: float, seconds: float, bound: str) -> None:
    timing = roofline(flops, moved, ROOFS)
    assert (timing.seconds, timing.bound) == (seconds, bound)
    assert (timing.compute_s, timing.memory_s) == (flops / 100, moved / 10)


def test_many_gpus_are_each_as_alone() -> None:
    """8 tokens of 1000 FLOP and 50 bytes at half of the peak: by peaks 100, 400, 8000 and bandwidths 10, 10, 100.

    Arithmetic takes 20, 5 and 0.25 s, memory 5, 5 and 0.5 s.
    """
    columns = Columns((100.0, 400.0, 8000.0), (10.0, 10.0, 100.0))
    assert units_per_s_of_each(8.0, 1000.0, 50.0, columns, 0.5) == pytest.approx([8 / 20, 8 / 5, 8 / 0.5])
    assert columns.widths == (10.0, 100.0)
    assert columns.places == (0, 0, 1)
