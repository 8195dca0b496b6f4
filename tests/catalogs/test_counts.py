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
    known = (
        "vision tower",
        "empty experts of a layer hold no weights",
        "the cache holds the shared key/value heads, as engines do",
    )
    only_known = all(any(part in each for part in known) for each in reading.assumptions)
    assert reading.confidence == "exact" or tower_unknown or only_known, reading.assumptions
    assert billions == pytest.approx(entry.nominal_parameters_billions, rel=0.35)


@pytest.mark.parametrize(
    ("name", "full", "sliding", "window", "elements"),
    [
        ("step-3.5-flash", 12, 33, 512, 2 * 8 * 128),
        ("step-3.7-flash", 12, 33, 512, 2 * 8 * 128),
        ("mellum2-12b-a2.5b", 7, 21, 1024, 2 * 4 * 128),
    ],
)
def test_windows_that_a_class_leaves_out_by_default_are_those_of_the_checkpoint(
    name: str, full: int, sliding: int, window: int, elements: int
) -> None:
    """ArXiv 2602.10604 and 2605.31268: three of four layers have a window; 45 and 28 layers, 8 and 4 KV heads."""
    model = read_config(load_catalogs().model(name).config, name=name).model
    held = {
        cache.window: sum(len(group.indices) for group in model.groups if cache in group.parts.caches)
        for group in model.groups
        for cache in group.parts.caches
    }
    assert held == {None: full, window: sliding}
    assert memory.kv_cache_bytes_per_token(model) == 2 * elements * (full + sliding)
