"""The lists of what the catalogs hold as functions of this process, beside the operations of ``llm_calc.library``.

>>> sorted(engine.name for engine in engines())
['generic', 'llama.cpp', 'mlx', 'ollama', 'sglang', 'trtllm', 'vllm']
"""

from llm_calc.adapters import listings
from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel
from llm_calc.adapters.wire.listings import AvailableEngine, AvailableFormat, AvailableLink, AvailablePrice


def models() -> list[AvailableModel]:
    """Every predefined model, by name, with its dimensions and exact parameters.

    >>> next(model.parameters for model in models() if model.name == "llama2-7b")
    6738415616
    """
    return listings.MODELS.entries(catalogs())


def gpus() -> list[AvailableGpu]:
    """Every GPU of the catalog, by id, with dense peaks [TFLOP/s], memory [GiB] and bandwidth [GB/s].

    >>> next(gpu.memory_bandwidth_gb_per_s for gpu in gpus() if gpu.id == "h100-80gb-sxm")
    3350.0
    """
    return listings.GPUS.entries(catalogs())


def engines() -> list[AvailableEngine]:
    """Every engine with its releases, their options and defaults, and what it runs on.

    >>> next(engine.newest for engine in engines() if engine.name == "sglang")
    '0.5.23'
    """
    return listings.ENGINES.entries(catalogs())


def formats() -> list[AvailableFormat]:
    """Every number format that requests can name, with its bits and the engines that run such weights.

    >>> next(each.bits_per_element for each in formats() if each.name == "mxfp4")
    4.25
    """
    return listings.FORMATS.entries(catalogs())


def prices() -> list[AvailablePrice]:
    """Every rental price with its source and day [USD/h].

    >>> {price.gpu for price in prices() if price.typical} >= {"h100-80gb-sxm", "mi300x"}
    True
    """
    return listings.PRICES.entries(catalogs())


def links() -> list[AvailableLink]:
    """Every link between GPUs or hosts [bytes/s, s], with the GPUs that it joins.

    >>> next("h100-80gb-sxm" in link.gpus for link in links() if link.id == "nvlink4")
    True
    """
    return listings.LINKS.entries(catalogs())
