"""Parts that many rows share, as columns."""

import numpy as np
import pytest

from llm_calc.core.planning.stacking import Columns, Pool, as_one
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.rates import Kernels, Machine, reached_rates

MACHINES = [
    Machine(
        memory_bytes_per_s=bandwidth,
        group_flops_per_s=(1e15, 2e15, 3e15, 4e15, 5e15),
        wide_flops_per_s=1e15,
        vector_flops_per_s=6e13,
        link_bytes_per_s=link,
        power_fraction=power,
    )
    for bandwidth, link, power in [(3.35e12, 4.5e11, 0.471), (8e12, 9e11, 0.83), (1.8e12, 6e10, 1.0)]
]


def test_things_are_numbered_once() -> None:
    pool, first, second = Pool[HostTimes](), HostTimes(request_s=1.0), HostTimes(request_s=1.0)
    assert pool.numbers_of([first, second, first]).tolist() == [0, 1, 0]
    assert pool.numbers_of([second]).tolist() == [1]
    pool.rows += [np.array([1, 0]), np.array([1])]
    assert pool.taken.tolist() == [1, 0, 1]


def test_columns_keep_what_is_the_same_a_number() -> None:
    columns = Columns[HostTimes]()
    assert columns.add(HostTimes(request_s=np.array([1.0, 2.0]), arrival_s=5.0), 2) == 0
    assert columns.add(HostTimes(request_s=3.0, arrival_s=5.0), 1) == 2
    joined = columns.joined
    assert np.asarray(joined.request_s).tolist() == [1.0, 2.0, 3.0]
    assert joined.arrival_s == 5.0


@pytest.mark.parametrize("place", range(len(MACHINES)))
def test_rates_of_many_machines_are_those_of_each_to_the_last_digit(place: int) -> None:
    def value(name: str, group: int | None) -> float:
        return 0.37 if group is None else 0.71 + group / 10

    kernels = Kernels(name="any")
    together = reached_rates(as_one(MACHINES), value, kernels)
    alone = reached_rates(MACHINES[place], value, kernels)
    for one, many in zip(alone.linear, together.linear, strict=True):
        assert np.asarray(many.flops_per_s)[place] == one.flops_per_s
    assert np.asarray(together.prefill_attention_flops_per_s)[place] == alone.prefill_attention_flops_per_s
    assert np.asarray(together.link_bytes_per_s)[place] == alone.link_bytes_per_s
