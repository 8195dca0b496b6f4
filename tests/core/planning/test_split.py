"""How a load is shared out over replicas."""

import pytest

from llm_calc.core.planning.split import Load


@pytest.mark.parametrize(
    ("load", "fullest", "replicas", "filled"),
    [
        (Load(kind="concurrency", amount=10), 4, 3, 10 / 12),
        (Load(kind="batch", amount=5), 3, 2, 5 / 6),
        (Load(kind="concurrency", amount=12), 4, 3, 1.0),
        (Load(kind="concurrency", amount=1, open=True), 64, 1, 1.0),
        (Load(kind="request_rate", amount=5), 1, 3, 1.0),
        (Load(kind="offline"), 1, 1, 1.0),
    ],
)
def test_a_load_that_does_not_divide_leaves_replicas_less(
    load: Load, fullest: int, replicas: int, filled: float
) -> None:
    assert load.filled(fullest, replicas) == pytest.approx(filled)
