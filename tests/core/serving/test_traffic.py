"""What must fit beside a prompt: SGLang's option and layout, of other engines what was measured."""

import pytest

from llm_calc.adapters.engines import build_engine
from llm_calc.core.engines import ENGINES
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.traffic import reserved_by


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("data", [1, 8])
def test_only_sglang_asks_for_less_where_attention_is_dealt(name: str, data: int) -> None:
    found = reserved_by(build_engine(name), 0.5, Layout(data=data, shared=data > 1))
    assert found == pytest.approx(0.15 if name == "sglang" and data > 1 else 0.5)


@pytest.mark.parametrize(
    ("conservativeness", "data", "part"),
    [(1.0, 1, 0.6), (0.5, 1, 0.3), (1.0, 8, 0.18), (2.0, 1, 1.0), (0.0, 1, 0.0)],
)
def test_what_sglang_is_told(conservativeness: float, data: int, part: float) -> None:
    """0.5.23 ``new_token_ratio_tracker.py``: times the option, at most 1; times 0.3 where attention is dealt."""
    engine = build_engine("sglang", schedule_conservativeness=conservativeness)
    assert reserved_by(engine, 0.6, Layout(data=data, shared=data > 1)) == pytest.approx(part)
