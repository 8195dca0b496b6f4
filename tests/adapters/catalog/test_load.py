"""The loader: what it accepts, and that each fault is refused by file and key."""

import json
from pathlib import Path

import pytest

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.catalog.files import CATALOGS_VARIABLE, catalog_folder, catalog_root
from llm_calc.core.errors import CatalogError, InvalidInputError, UnknownNameError
from tests.adapters.catalog.conftest import edit

H100 = "gpus/h100-80gb-sxm.toml"
A100 = "gpus/a100-80gb-sxm.toml"
LLAMA = "models/llama2-7b.json"
CLOUD = "clouds/example.csv"
PRICE_ROW = "Example,h100-80gb-sxm,8,big,24.0,,everywhere,2026-08,2026-11-22,yes,catalogue,price list,\n"
TOKEN_ROW = "llama2-7b,example,meta/llama-2-7b,0.1,0.2,,2026-11-22,price list\n"


@pytest.fixture(scope="module")
def catalogs() -> Catalogs:
    return load_catalogs()


def test_small_catalog_loads(small: Path) -> None:
    catalogs = load_catalogs(small)
    assert [gpu.id for gpu in catalogs.gpus] == ["a100-80gb-sxm", "h100-80gb-sxm"]
    assert [model.name for model in catalogs.models] == ["gpt2", "llama2-7b"]
    price = catalogs.typical_price("h100-80gb-sxm")
    assert price is not None
    assert price.usd_per_gpu_hour == 24.0 / 8
    assert catalogs.typical_price("a100-80gb-sxm") is None
    assert [row.provider for row in catalogs.prices_of_model("llama2-7b")] == ["example"]
    assert catalogs.prices_of_model("gpt2") == ()


def test_a_link_that_is_new_with_a_card_stands_in_its_file(small: Path) -> None:
    new = 'kind = "nvlink9"\nname = "NVLink 9"\nlatency_us = 7\nlatency_kind = "estimate"'
    edit(small / H100, 'kind = "nvlink4"', new)
    link = load_catalogs(small).links["nvlink9"].link()
    assert (link.bytes_per_s_per_gpu_each_way, link.latency_s) == (
        450e9,
        7e-6,
    )  # NVLink 4's rate, of the card


@pytest.mark.parametrize("name", ["gpus/new.tml", "gpus/new.json", "models/new.toml", "models/new.JSN"])
def test_a_file_with_another_ending_is_refused_rather_than_passed_over(small: Path, name: str) -> None:
    (small / name).write_text("")
    with pytest.raises(CatalogError, match=rf"^{name}: is not read; a file of this folder is named \*\."):
        load_catalogs(small)


def test_hidden_files_of_an_operating_system_are_no_rows(small: Path) -> None:
    (small / "gpus" / ".DS_Store").write_text("")
    assert len(load_catalogs(small).gpus) == 2


def test_catalogs_are_read_once() -> None:
    assert load_catalogs() is load_catalogs()


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (H100, 'vendor = "NVIDIA"', 'vendr = "NVIDIA"', "vendor: is required; vendr: .*did you mean vendor"),
        (H100, "memory_gib = 80", 'memory_gib = "80"', "memory_gib: must be a number"),
        (H100, "memory_gib = 80", "memory_gib = true", "memory_gib: must be a number"),
        (H100, "memory_bandwidth_gb_per_s = 3350", "memory_bandwidth_gb_per_s = -1", "greater than 0"),
        (H100, "memory_bandwidth_gb_per_s = 3350", "memory_bandwidth_gb_per_s = nan", "finite number"),
        (H100, "usable_memory_gib = 79.19", "usable_memory_gib = 80.1", "more than memory_gib"),
        (H100, "\nfp16 = 989.4", "\nfp16 = 1978.9", r"fp16: 2\.0\d\d of sm_count x rate x clock \(exact\)"),
        (H100, "\nfp16 = 989.4", "\nfp99 = 989.4", "peak_tflops_per_s.fp99"),
        (H100, "\nint8 = 1978.9", "\nint4 = 1978.9", "peak_tflops_per_s.int4: not in supported_precisions"),
        (H100, '"tdp_w", ', "", "sources: none for tdp_w"),
        (H100, '"tdp_w"', '"tdp_w", "colour"', "sources: colour is no number of this file"),
        (H100, 'fields = ["usable_memory_gib"]', 'fields = ["usable_memory_gib", "tdp_w"]', "tdp_w named twice"),
        (H100, 'pcie = "5.0 x16"', 'pcie = "5"', "pcie: must match"),
        (H100, 'id = "h100-80gb-sxm"', 'id = "h100"', "holds 'h100'; a file is named after its id|files are named"),
        (H100, 'kind = "nvlink4"', 'kind = "nvlink9"', "link.kind: 'nvlink9' is not in links.toml"),
        (H100, 'kind = "nvlink4"', 'kind = "nvlink9"\nlatency_us = 7', "a new kind of link needs name"),
        (
            H100,
            'kind = "nvlink4"',
            'kind = "nvlink4"\nname = "NVLink"\nlatency_us = 7\nlatency_kind = "estimate"',
            "'nvlink4' is described elsewhere already",
        ),
        (H100, 'network = "infiniband-ndr"', 'network = "pcie"', "network: 'pcie' is no network of links.toml"),
        (H100, "[link]", "[link", r"gpus/h100-80gb-sxm\.toml: "),
        (A100, 'aliases = ["a100"', 'aliases = ["h100"', "the name 'h100' already means 'a100-80gb-sxm'"),
        (A100, 'aliases = ["a100"', 'aliases = ["a100", "A100"', r"aliases\[1\]: must match"),
        (A100, 'aliases = ["a100"', 'aliases = ["a100", "a100"', "the name 'a100' already means"),
        (LLAMA, '"llama-2-7b"', '"gpt-2"', "the name 'gpt-2' already means 'gpt2'"),
        (LLAMA, '"meta-llama/Llama-2-7b-hf"', '"openai-community/gpt2"', "already means 'gpt2'"),
        (LLAMA, '"name": "llama2-7b"', '"name": "llama2-8b"', "holds 'llama2-8b'"),
        (LLAMA, '"family"', '"famly"', r"models/llama2-7b\.json: family: is required; famly: .*did you mean family"),
        (LLAMA, '"context_length_tokens": 4096', '"context_length_tokens": 4096.5', "context_length_tokens"),
        (LLAMA, '"$schema"', '"schema"', r"\$schema: is required"),
        (LLAMA, "{", "", r"models/llama2-7b\.json: Extra data|Expecting"),
        (H100, "memory_bandwidth_gb_per_s = 3350", "memory_bandwidth_gb_per_s = 3.35", "in 25.6 s; the unit is GB/s"),
        (H100, "memory_gib = 80", "memory_gib = 81920", "memory_gib: .* the unit is GiB"),
        (H100, "gb_per_s_each_way = 450", "gb_per_s_each_way = 0.45", "link.gb_per_s_each_way: 4.5e"),
        (H100, 'vendor = "NVIDIA"', 'vendor = "Nvidia"', "vendor: 'N.*' is written 'N.*' elsewhere"),
        (H100, "source = ", 'source = "  " #', "source: must match"),
        (LLAMA, '"family"', '"family": "Twice", "family"', r"models/llama2-7b\.json: family: stands twice"),
        (LLAMA, 'parameters_billions": 7', 'parameters_billions": 7000000', "nominal_parameters_billions"),
        (CLOUD, "h100-80gb-sxm", "h100", "'h100' is no GPU id; it is an alias of 'h100-80gb-sxm'"),
        (CLOUD, ",24.0,", ",2400.0,", "2400 USD an hour for . GPUs?"),
        ("links.toml", 'gb_per_s_each_way = 150', 'gb_per_s_each_way = 150e9', "gb_per_s_each_way: must be less"),
        ("links.toml", "latency_us = 10.4", "latency_us = 10.4e-6", "latency_us: must be greater"),
        (CLOUD, "h100-80gb-sxm", "h100-81gb", "gpu: 'h100-81gb' is no GPU id"),
        (CLOUD, ",24.0,", ",,", "none of it, spot_usd_per_hour and reserved_usd_per_hour is given"),
        (CLOUD, ",24.0,,", ",,2.0,", "a typical price needs usd_per_hour"),
        (CLOUD, ",2026-08,", ",last week,", r"clouds/example\.csv line 2: as_of"),
        (CLOUD, PRICE_ROW, PRICE_ROW.replace("\n", ",more\n"), "line 2: more cells than columns"),
        (CLOUD, PRICE_ROW, PRICE_ROW + PRICE_ROW.replace("yes", ""), "clouds: Example big: written twice"),
        (CLOUD, PRICE_ROW, PRICE_ROW + PRICE_ROW.replace("big", "small"), "h100-80gb-sxm has one already"),
        ("api_prices.csv", "llama2-7b,", "llama9,", "model: 'llama9' is no model name"),
        ("api_prices.csv", ",0.1,", ",-0.1,", "usd_per_million_input_tokens"),
        ("api_prices.csv", TOKEN_ROW, TOKEN_ROW * 2, "example meta/llama-2-7b: written twice"),
        ("links.toml", 'id = "nvlink2"', 'id = "nvlink4"', "two links have one id"),
        ("links.toml", 'id = "pcie"', 'id = "pci"', "no link 'pcie'"),
        ("links.toml", "gb_per_s_each_way = 12.5\n", "", "a network needs it"),
    ],
)  # fmt: skip
def test_faults_are_refused(small: Path, file: str, old: str, new: str, complaint: str) -> None:
    edit(small / file, old, new)
    with pytest.raises(CatalogError, match=complaint):
        load_catalogs(small)


def reserving(small: Path, *rows: str) -> None:
    """A cloud with reserved prices and their terms: instance, reserved USD an hour, months."""
    head = "provider,gpu,gpus,instance,reserved_usd_per_hour,reserved_months,region,as_of,checked,confidence,source"
    whole = [
        f"Other,h100-80gb-sxm,8,{row},everywhere,2026-08,2026-11-22,catalogue,price list" for row in rows
    ]
    (small / "clouds" / "other.csv").write_text("\n".join([head, *whole, ""]), encoding="utf-8")


def test_an_instance_may_be_reserved_for_several_terms(small: Path) -> None:
    reserving(small, "big,16.0,12", "big,12.0,36", "big,20.0,")
    rows = [row for row in load_catalogs(small).rental_prices if row.provider == "Other"]
    assert [(row.of_gpu("reserved"), row.reserved_months) for row in rows] == [
        (2.0, 12),
        (1.5, 36),
        (2.5, None),
    ]
    assert {row.usd_per_gpu_hour for row in rows} == {row.of_gpu("spot") for row in rows} == {None}


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (("big,16.0,12", "big,12.0,12"), "clouds: Other big: written twice"),
        (("big,16.0,", "big,12.0,"), "clouds: Other big: written twice"),
        (("big,,12",), r"clouds/other\.csv line 2: .*none of it"),
        (("big,16.0,0",), r"clouds/other\.csv line 2: reserved_months"),
        (("big,-1,12",), r"clouds/other\.csv line 2: reserved_usd_per_hour"),
    ],
)
def test_reserved_prices_that_cannot_be_right_are_refused(
    small: Path, rows: tuple[str, ...], complaint: str
) -> None:
    reserving(small, *rows)
    with pytest.raises(CatalogError, match=complaint):
        load_catalogs(small)


def test_a_term_without_a_reserved_price_is_refused(small: Path) -> None:
    file = small / CLOUD
    edit(file, "spot_usd_per_hour,", "spot_usd_per_hour,reserved_months,")
    edit(file, ",24.0,,", ",24.0,,12,")
    with pytest.raises(CatalogError, match="reserved_months: needs reserved_usd_per_hour"):
        load_catalogs(small)


def test_missing_catalogs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no catalogs in"):
        load_catalogs(tmp_path)
    (tmp_path / "gpus").mkdir()
    with pytest.raises(CatalogError, match=r"no \*\.toml"):
        load_catalogs(tmp_path)


@pytest.mark.parametrize(
    ("name", "gpu_id"),
    [
        ("a100-80gb", "a100-80gb-sxm"),
        ("h100-80gb", "h100-80gb-sxm"),
        ("H100-80GB-SXM", "h100-80gb-sxm"),
        ("H100 SXM5 80GB", "h100-80gb-sxm"),
        ("NVIDIA GeForce RTX 4090", "rtx-4090"),
        (" rtx_4090 ", "rtx-4090"),
        ("MI300X", "mi300x"),
        ("m3 max", "apple-m3-max"),
    ],
)
def test_gpu_names(catalogs: Catalogs, name: str, gpu_id: str) -> None:
    assert catalogs.gpu(name).id == gpu_id
    assert catalogs.gpu_entry(name).id == gpu_id


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("Llama-2-7B", "llama2-7b"),
        ("meta-llama/Llama-2-7b-hf", "llama2-7b"),
        ("LLAMA2_7B", "llama2-7b"),
        ("qwen3-30b-a3b", "qwen3-30b-a3b"),
        ("deepseek-ai/deepseek-v3", "deepseek-v3"),
        ("gpt-2", "gpt2"),
        ("phi4", "phi-4"),
    ],
)
def test_model_names(catalogs: Catalogs, name: str, model: str) -> None:
    assert catalogs.model(name).name == model


def test_unknown_names_offer_the_nearest(catalogs: Catalogs) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown gpu 'h10'.*h100-80gb-sxm") as gpu_error:
        catalogs.gpu("h10")
    assert gpu_error.value.field == "gpu"
    with pytest.raises(UnknownNameError, match=r"unknown model 'llama2-7'.*llama2-7b") as model_error:
        catalogs.model("llama2-7")
    assert model_error.value.field == "model_name"
    with pytest.raises(UnknownNameError, match=r"unknown gpu 'zzzzzzzzzzzz'$"):
        catalogs.gpu("zzzzzzzzzzzz")
    assert "nonsense" not in catalogs.gpu_names
    assert catalogs.gpu_names.names["h100-80gb"] == "h100-80gb-sxm"


def test_config_is_as_published_and_cannot_be_spoilt(catalogs: Catalogs) -> None:
    lite = catalogs.model("deepseek-v2-lite").published_config
    assert lite["q_lora_rank"] is None
    lite["q_lora_rank"] = 1536
    assert catalogs.model("deepseek-v2-lite").published_config["q_lora_rank"] is None


def test_llama2_7b_is_the_documented_entry(catalogs: Catalogs) -> None:
    model = catalogs.model("llama2-7b")
    config = model.published_config
    assert (model.family, model.nominal_parameters_billions, model.context_length_tokens) == (
        "Llama",
        7.0,
        4096,
    )
    assert (config["hidden_size"], config["intermediate_size"]) == (4096, 11008)
    assert (config["num_hidden_layers"], config["vocab_size"]) == (32, 32000)


def test_cluster_of_a_node(catalogs: Catalogs) -> None:
    cluster = catalogs.cluster("h100", count=16, gpus_per_node=8)
    assert cluster.nodes == 2
    assert [cluster.tier(group) for group in (1, 8, 16)] == ["fast", "fast", "network"]
    assert cluster.link(8).kind == "nvlink4"
    assert cluster.link(8).bytes_per_s_per_gpu_each_way == 450e9
    assert cluster.link(16).bytes_per_s_per_gpu_each_way == 50e9


def test_cluster_of_capped_links_uses_the_cap_of_the_card(catalogs: Catalogs) -> None:
    assert catalogs.cluster("h800", 8).link(8).bytes_per_s_per_gpu_each_way == 200e9


def test_cluster_of_bridged_pairs_falls_back_to_pcie(catalogs: Catalogs) -> None:
    cluster = catalogs.cluster("h100-80gb-pcie", 8)
    assert [cluster.tier(group) for group in (2, 4, 8, 9)] == ["fast", "host", "host", "network"]
    assert cluster.link(4).bytes_per_s_per_gpu_each_way == pytest.approx(16 * 32e9 * 128 / 130 / 8)


def test_cluster_without_fast_links(catalogs: Catalogs) -> None:
    cluster = catalogs.cluster("l40s", 8, gpus_per_node=4)
    assert cluster.fast is None
    assert [cluster.tier(group) for group in (1, 4, 8)] == ["host", "host", "network"]


def test_rack_fabric_spans_nodes(catalogs: Catalogs) -> None:
    cluster = catalogs.cluster("gb200", 144, gpus_per_node=4)
    assert [cluster.tier(group) for group in (4, 72, 144)] == ["fast", "fast", "network"]


def test_cluster_of_clouds_own_chips_has_no_pcie(catalogs: Catalogs) -> None:
    cluster = catalogs.cluster("tpu-v5e", 8)
    assert cluster.host == cluster.network


def test_cluster_of_a_changed_gpu(catalogs: Catalogs) -> None:
    gpu = catalogs.gpu("h100").with_memory(40 * 2**30)
    assert catalogs.cluster(gpu, 2).gpu.usable_memory_bytes == 40 * 2**30


def test_cluster_needs_gpus(catalogs: Catalogs) -> None:
    with pytest.raises(InvalidInputError, match=r"hardware.count"):
        catalogs.cluster("h100", 0)


def test_small_files_are_what_is_written(small: Path) -> None:
    written = json.loads((small / LLAMA).read_text())
    assert load_catalogs(small).model("llama2-7b").published_config == written["config"]


def test_a_folder_of_the_chosen_catalogs_goes_before_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "formats").mkdir()
    monkeypatch.setattr("llm_calc.adapters.catalog.files._CHOSEN", [])
    monkeypatch.setenv(CATALOGS_VARIABLE, str(tmp_path))
    assert catalog_folder("formats") == tmp_path / "formats"
    assert catalog_folder("engines") == catalog_root() / "engines"
    assert catalog_folder("formats", catalog_root()) == catalog_root() / "formats"
    monkeypatch.delenv(CATALOGS_VARIABLE)
    assert catalog_folder("formats") == catalog_root() / "formats"
