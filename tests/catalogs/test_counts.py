"""Catalog models have exactly the parameters and cache elements that were counted on the real classes."""

import pytest

from llm_calc.adapters.catalog import CatalogModel, load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.core import memory
from tests.catalogs.golden import COUNTED

COMPONENTS = {
    "mlp_dense": "mlp",
    "ssm_linear_attention": "ssm",
    "vision_audio": "vision",
    "embedding_per_layer": "embedding",
}


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_catalog_model_is_exact(name: str) -> None:
    counted = COUNTED[name]
    reading = read_config(load_catalogs().model(name).config, name=name)
    parts = dict(memory.parameters_by_component(reading.model))
    wanted = dict.fromkeys(parts, 0)
    for component, elements in counted["params_by_component"].items():
        wanted[COMPONENTS.get(component, component)] += elements
    total = counted["params_total"]
    if counted.get("vision_from_class_defaults"):
        total += parts["vision"] - wanted["vision"]
        wanted["vision"] = parts["vision"]
    assert parts == wanted
    assert memory.total_parameters(reading.model) == total
    if (elements := counted.get("kv_elements_per_token_all_layers")) is not None:
        assert memory.kv_cache_bytes_per_token(reading.model) == 2 * elements
    assert reading.confidence == "exact" or counted.get("vision_from_class_defaults")


@pytest.mark.parametrize("entry", load_catalogs().models, ids=lambda entry: entry.name)
def test_every_catalog_model_is_known_and_near_its_nominal_size(entry: CatalogModel) -> None:
    reading = read_config(entry.config, name=entry.name)
    billions = memory.total_parameters(reading.model) / 1e9
    tower_unknown = COUNTED.get(entry.name, {}).get("vision_from_class_defaults")
    only_tower = all("vision tower" in each for each in reading.assumptions)
    assert reading.confidence == "exact" or tower_unknown or only_tower, reading.assumptions
    assert billions == pytest.approx(entry.nominal_parameters_billions, rel=0.35)
