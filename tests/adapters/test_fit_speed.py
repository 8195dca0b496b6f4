"""A stated least speed: nothing is best below it, and what it passes over is said."""

from typing import Any

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import FIT
from llm_calc.adapters.wire.fitting import FitAnswer


def fitted(model: str, hardware: Any, **fields: Any) -> FitAnswer:
    answer = FIT.answered({"model": model, "hardware": hardware, **fields}, load_catalogs())
    assert isinstance(answer, FitAnswer)
    return answer


def test_nothing_is_best_where_nothing_is_fast_enough() -> None:
    answer = fitted("llama-3.1-8b", "rtx-4090", formats=["q8_0", "q2_k"], least_tokens_per_s=1000)
    assert answer.best is None
    assert not any(row.best for row in answer.rows)
    assert any("least_tokens_per_s: nothing that fits" in each for each in answer.warnings)


def test_fewer_than_four_bits_for_the_sake_of_speed_are_said() -> None:
    kinds = ["q4_k_m", "q2_k"]
    slow, quick = (
        fitted("llama-3.3-70b", "rtx-4090", formats=kinds, least_tokens_per_s=least) for least in (1, 5)
    )
    assert slow.best is not None
    assert quick.best is not None
    assert slow.rows[slow.best].weights == "q4_k_m"
    assert quick.rows[quick.best].weights == "q2_k"
    assert any("of 4 bits and more gives at most" in each for each in quick.warnings)
    assert not any("least_tokens_per_s" in each for each in slow.warnings)


def test_what_is_faster_than_a_best_in_part_on_the_host_is_said() -> None:
    answer = fitted("mistral-small-24b", "rtx-4070", formats=["iq4_xs", "q2_k"], cache_types=["f16"])
    assert answer.best is not None
    assert answer.rows[answer.best].where == "gpu and host"
    assert any("q2_k with a fp16 cache lies on the GPU whole and gives" in each for each in answer.warnings)
    whole = fitted("mistral-small-24b", "rtx-4090", formats=["iq4_xs", "q2_k"], cache_types=["f16"])
    assert not any("on the GPU whole and gives" in each for each in whole.warnings)
