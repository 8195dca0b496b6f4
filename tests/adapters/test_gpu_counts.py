"""How many GPUs a name says, and the instances of clouds."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.gpu_counts import read_counted
from llm_calc.core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("typed", "gpu", "count"),
    [
        ("8x h200", "h200-141gb-sxm", 8),
        ("2 x RTX 4090", "rtx-4090", 2),
        ("8 H100", "h100-80gb-sxm", 8),
        ("4*A100", "a100-80gb-sxm", 4),
        ("h100x8", "h100-80gb-sxm", 8),
        ("NVIDIA H100 x 4", "h100-80gb-sxm", 4),
        ("RTX 4090 ×2", "rtx-4090", 2),
        ("rx 7900 xtx x2", "rx-7900-xtx", 2),
        ("2x 7900xtx", "rx-7900-xtx", 2),
        ("mi300x x8", "mi300x", 8),
        ("4090 x2", "rtx-4090", 2),
        ("4070 ti x2", "rtx-4070-ti", 2),
        ("h100 8x", "h100-80gb-sxm", 8),
        ("x8 h100", "h100-80gb-sxm", 8),
        ("h100:8", "h100-80gb-sxm", 8),
        ("gpu:a100:4", "a100-80gb-sxm", 4),  # as Slurm's --gres has it
        ("8xmi355", "mi355x", 8),
        ("mi300x:8", "mi300x", 8),
        # Google: v5e and v6e count chips, v5p the two cores of each
        ("tpu v5e-8", "tpu-v5e", 8),
        ("v5litepod-16", "tpu-v5e", 16),
        ("TPU-v6e-4", "tpu-v6e", 4),
        ("v5p-16", "tpu-v5p", 8),
        ("DGX H100", "h100-80gb-sxm", 8),
        ("2x DGX H100", "h100-80gb-sxm", 16),
        ("DGX H100 x4", "h100-80gb-sxm", 32),
        ("2 x v5e-8", "tpu-v5e", 16),
        ("nvidia dgx-b200", "b200-180gb-sxm", 8),
        ("dgx a100 40gb", "a100-40gb-sxm", 8),
        # AWS, Google, Azure: GPUs of an instance as their lists of prices have them
        ("p5.48xlarge", "h100-80gb-sxm", 8),
        ("ml.p4d.24xlarge", "a100-40gb-sxm", 8),
        ("2x g5.12xlarge", "a10g", 8),
        ("a3-highgpu-8g", "h100-80gb-sxm", 8),
        ("Standard_ND96isr_H100_v5", "h100-80gb-sxm", 8),
        ("NC24ads_A100_v4", "a100-80gb-pcie", 1),
    ],
)
def test_a_name_says_a_gpu_and_a_count(typed: str, gpu: str, count: int) -> None:
    read = read_counted(typed)
    assert (load_catalogs().gpu(read.gpu).id, read.count) == (gpu, count)


@pytest.mark.parametrize(
    "typed",
    [
        "rx 7900 xtx",
        "7900xtx",
        "RX 580",
        "gtx 970",
        "mi300x",
        "max 1550",
        "m4 max 64gb",
        "64 GB M4 Max",
        "24 gb rtx 4090",
        "6000 ada",
        "tpu v5e",
        "dgx spark",
        "hgx h100",
        "10x",
    ],
)
def test_an_x_of_a_name_is_no_count(typed: str) -> None:
    assert read_counted(typed).count is None


@pytest.mark.parametrize(
    "hardware", [{"gpu": "8x h200"}, {"gpu": "8x h200", "count": 8}, "h200 x8", ["4x h200"] * 2]
)
def test_a_count_in_the_name_is_the_count(hardware: Any) -> None:
    named = llm_calc.estimate(model="llama-3.1-70b", hardware=hardware)
    stated = llm_calc.estimate(model="llama-3.1-70b", hardware={"gpu": "h200", "count": 8})
    assert (named.resolved.tensor, named.tpot_s) == (8, stated.tpot_s)


@pytest.mark.parametrize("gpu", ["8x h200", "p5en.48xlarge"])
def test_a_count_that_contradicts_the_name_is_refused(gpu: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        llm_calc.memory_plan(model="llama-3.1-8b", hardware={"gpu": gpu, "count": 4})
    assert "hardware.count: must be 8 or left out beside gpu" in refused.value.message


def test_an_instance_is_told() -> None:
    found = llm_calc.memory_plan(model="llama-3.1-70b", hardware="p5.48xlarge")
    assert any("p5.48xlarge is 8 x h100-80gb-sxm" in line for line in found.assumptions)


def test_several_instances_are_several_hosts() -> None:
    two = llm_calc.estimate(model="llama-3.1-8b", hardware="2 x g5.12xlarge")
    apart = llm_calc.estimate(model="llama-3.1-8b", hardware={"gpu": "a10g", "count": 8, "gpus_per_node": 4})
    assert two.tpot_s == apart.tpot_s


@pytest.mark.parametrize("name", ["8x h200", "p5en.48xlarge"])
def test_plans_compare_kinds_not_numbers(name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"gpus: .* is a number of GPUs; name the kind, h200"):
        llm_calc.recommend(model="llama-3.1-8b", gpus=[name])


@pytest.mark.parametrize(
    ("typed", "gpu"),
    [
        ("mi355", "mi355x"),
        ("MI325", "mi325x"),
        ("mi350", "mi350x"),
        ("jetson orin 64", "jetson-agx-orin-64gb"),
        ("Jetson Orin 64GB", "jetson-agx-orin-64gb"),
        ("hgx h200", "h200-141gb-sxm"),
        ("HGX-B200", "b200-180gb-sxm"),
        ("dgx spark", "dgx-spark-gb10"),
        ("m4 max", "apple-m4-max"),
    ],
)
def test_a_gpu_is_known_as_people_type_it(typed: str, gpu: str) -> None:
    assert load_catalogs().gpu(typed).id == gpu


@pytest.mark.parametrize(
    ("typed", "candidates"),
    [
        ("mi300", {"mi300a", "mi300x"}),
        ("rtx 6000", {"rtx-6000-ada", "rtx-pro-6000-blackwell-server", "rtx-a6000"}),
        ("jetson orin", {"jetson-agx-orin-64gb"}),
        ("v5p-15", {"tpu-v5p-95gb"}),
    ],
)
def test_a_name_that_may_mean_several_names_them(typed: str, candidates: set[str]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        llm_calc.memory_plan(model="llama-3.1-8b", hardware={"gpu": typed})
    named = str(refused.value) + str(refused.value.details)
    assert all(each in named for each in candidates)
