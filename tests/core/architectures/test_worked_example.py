"""The worked example of ``docs/families.md``: its module, its configuration and its table of counts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_calc.adapters import config_file
from llm_calc.core.architectures import registry
from llm_calc.core.architectures.reading import Reading
from llm_calc.core.memory import CacheFormat, kv_cache_bytes_per_token, parameters_by_component

PAGE = (Path(__file__).parents[3] / "docs" / "families.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture
def example() -> Iterator[Reading]:
    registry.known_types()
    exec(compile(block("python"), "families.md", "exec"), {})
    try:
        yield config_file.read_config(json.loads(block("json")))
    finally:
        registry._FAMILIES.pop("example_moe")
        config_file._read.cache_clear()


def test_the_example_counts_as_its_table_says(example: Reading) -> None:
    table = {
        name: int(count) for name, count in re.findall(r"^\| (\w+) \| .* \| (\d+) \|$", PAGE, re.MULTILINE)
    }
    counts = {name: count for name, count in parameters_by_component(example.model).items() if count}
    assert len(table) == 7
    assert counts == table
    assert example.assumptions == ()


def test_the_examples_cache_grows_as_stated(example: Reading) -> None:
    element = CacheFormat(bytes_per_element=1.0)
    assert kv_cache_bytes_per_token(example.model, element) == 256
    assert kv_cache_bytes_per_token(example.model, element, beyond_windows=True) == 64
