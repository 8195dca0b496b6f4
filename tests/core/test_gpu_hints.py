"""Names that no GPU has, and what is said to give instead: it is an answer."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import FIT, SERVING_ESTIMATE
from llm_calc.core.errors import UnknownNameError


@pytest.mark.parametrize("name", ["cpu", "none", "CPU only", "Ryzen 9 7950X", "EPYC 9354"])
def test_a_processor_is_told_how_to_ask(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"processor alone name any card.*n_gpu_layers 0.*op_offload"):
        load_catalogs().gpu(name, "hardware.gpu")


@pytest.mark.parametrize("name", ["GTX 1080 Ti", "Tesla P40", "P40", "NVIDIA GTX 1660", "RX 580"])
def test_an_early_card_is_told_how_to_ask(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"as custom, with hardware\.memory_bytes"):
        load_catalogs().gpu(name, "hardware.gpu")


def test_what_is_told_is_answered() -> None:
    card = {
        "gpu": "custom",
        "memory_bytes": 11 << 30,
        "memory_bandwidth_bytes_per_s": 484e9,
        "like": "rtx-2080-ti",
    }
    assert FIT.answered({"model": "qwen3-8b", "hardware": card}, load_catalogs()).best is not None
    alone = {"name": "llama.cpp", "n_gpu_layers": 0, "op_offload": False}
    host = {"gpu": "rtx-3060-12gb", "host": {"platform": "desktop-ddr4-3200"}}
    asked = {"model": "qwen3-8b", "precision": "q4_k_m", "hardware": host, "engine": alone}
    # 4.68 GiB of weights over 51.2 GB/s are 98 ms a token at least.
    assert SERVING_ESTIMATE.answered(asked, load_catalogs()).tpot_s > 0.09
