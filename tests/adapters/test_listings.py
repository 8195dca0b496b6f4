"""The lists of what the catalogs hold."""

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.listings import ENGINES, FORMATS, LINKS, LISTINGS, PRICES


def test_names_and_paths_are_those_of_one_list_each() -> None:
    assert len({listing.name for listing in LISTINGS}) == len({listing.path for listing in LISTINGS}) == 6


def test_every_engine_has_its_releases() -> None:
    engines = {engine.name: engine for engine in ENGINES.entries(load_catalogs())}
    assert set(engines) == {"vllm", "sglang", "trtllm", "llama.cpp", "mlx", "generic", "ollama"}
    sglang = engines["sglang"]
    versions = [release.version for release in sglang.releases]
    assert (versions[0], versions[-1]) == ("0.5.4", "0.5.23")
    assert len(versions) == 15
    assert sglang.newest == "0.5.23"
    old, new = sglang.releases[0], sglang.releases[-1]
    assert "disable_prefill_cuda_graph" in old.without
    assert "disable_prefill_cuda_graph" in {option.name for option in new.options}
    assert any("h100-80gb-sxm" in row.gpus and "fp8" in row.formats for row in sglang.runs_on)
    assert any("jamba" in row.types and row.instead is None for row in sglang.lacks)
    assert engines["generic"].runs_on == []


def test_formats_say_who_runs_them() -> None:
    formats = {each.name: each for each in FORMATS.entries(load_catalogs())}
    assert formats["mxfp4"].bits_per_element == 4.25
    assert formats["q4_k_m"].engines == ["llama.cpp", "sglang"]
    assert "trtllm" in formats["int8"].engines
    assert "trtllm" not in formats["mxfp6"].engines
    assert formats["nvfp4"].arithmetic == "fp4"


def test_prices_have_a_source_and_a_day() -> None:
    prices = PRICES.entries(load_catalogs())
    assert all(price.source and price.checked >= "2026" for price in prices)
    assert sum(price.typical for price in prices if price.gpu == "h100-80gb-sxm") == 1


def test_links_say_what_they_join() -> None:
    links = {link.id: link for link in LINKS.entries(load_catalogs())}
    assert "h100-80gb-sxm" in links["nvlink4"].gpus
    assert links["pcie"].latency_s > 0


def test_a_search_looks_into_names() -> None:
    found = PRICES.matching(PRICES.entries(load_catalogs()), "MI300X")
    assert found
    assert {price.gpu for price in found} == {"mi300x"}
