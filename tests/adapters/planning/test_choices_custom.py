"""GPUs of one's own in searches over the catalog."""

from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.core.errors import UnsupportedError


@pytest.mark.parametrize("operation", [operations.DEPLOYMENT_PLANS, operations.RECOMMEND_GPUS])
def test_a_custom_gpu_is_refused_with_what_takes_it(operation: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"hardware\.gpu custom of a memory plan") as refused:
        operation.answered({"model": "qwen3-8b", "gpus": ["rtx-4090", "custom"]}, load_catalogs())
    assert refused.value.field == "gpus"
