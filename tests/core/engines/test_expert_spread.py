"""Flags that spread experts over GPUs."""

import pytest

from llm_calc.core.engines.expert_spread import check_spread
from llm_calc.core.errors import InvalidInputError


@pytest.mark.parametrize(("expert", "stage"), [(2, 1), (4, 2), (3, 4)])
def test_more_ways_than_gpus_name_the_flag_and_the_remedy(expert: int, stage: int) -> None:
    with pytest.raises(InvalidInputError, match=rf"engine\.ep_size.*set tp_size to {expert}"):
        check_spread("ep_size", expert, stage)


def test_ways_that_divide_a_stage_pass() -> None:
    check_spread("ep_size", 2, 4)
