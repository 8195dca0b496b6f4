"""Where nothing fits, what would: each way that is named is taken and fits."""

import re
from typing import Any

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import FIT
from llm_calc.adapters.wire.fitting import FitAnswer


def fitted(model: str, hardware: Any, **fields: Any) -> FitAnswer:
    answer = FIT.answered({"model": model, "hardware": hardware, **fields}, load_catalogs())
    assert isinstance(answer, FitAnswer)
    return answer


def test_a_mac_that_is_too_small_is_told_the_size_that_is_not() -> None:
    answer = fitted("gpt-oss-120b", {"gpu": "m4 max 64gb"}, formats=["mxfp4"], cache_types=["f16"])
    assert answer.best is None
    assert any("which GPU and host share" in row.reason for row in answer.rows)
    size = next(found for each in answer.warnings if (found := re.search(r"with (\d+) GB holds it", each)))
    assert fitted("gpt-oss-120b", {"gpu": f"m4 max {size[1]}gb"}, formats=["mxfp4"]).best is not None
    assert any("models_for" in each for each in answer.warnings)


def test_a_host_that_is_too_small_is_told_the_size_that_is_not() -> None:
    asked: dict[str, Any] = {"formats": ["q2_k"], "cache_types": ["q8_0"], "least_tokens_per_s": 0}
    answer = fitted("deepseek-r1", {"gpu": "rtx-4090"}, **asked)
    found = next(m for each in answer.warnings if (m := re.search(r"hardware.host: with (\d+) GiB", each)))
    gib = int(found[1])
    larger, smaller = (
        fitted("deepseek-r1", {"gpu": "rtx-4090", "host": {"memory_bytes": size << 30}}, **asked)
        for size in (gib, gib // 2)
    )
    assert (larger.rows[0].fits, smaller.rows[0].fits) == (True, False)


def test_a_shorter_context_is_named_where_it_fits() -> None:
    asked: dict[str, Any] = {"formats": ["q4_k_m"], "cache_types": ["f16"]}
    answer = fitted("llama-3.1-8b", {"gpu": "m1 8gb"}, context_tokens=65_536, **asked)
    found = next(m for each in answer.warnings if (m := re.search(r"context_tokens: (\d+) fits", each)))
    assert fitted("llama-3.1-8b", {"gpu": "m1 8gb"}, context_tokens=int(found[1]), **asked).rows[0].fits


def test_nothing_is_advised_where_a_row_fits() -> None:
    assert not any("nothing fits" in each for each in fitted("qwen3-8b", {"gpu": "rtx-4090"}).warnings)
