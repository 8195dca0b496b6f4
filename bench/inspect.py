"""How long one inspection takes after the first: the adapter's function in process, no HTTP.

``python -m bench.inspect`` prints microseconds for DeepSeek-V3 by its ``config.json``, with a new workload each time.
"""

from collections.abc import Iterator
from statistics import median
from time import perf_counter

from bench._figures import Figure, report
from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.inspection import inspect_model
from llm_calc.adapters.wire.inspect import InspectRequest
from llm_calc.adapters.wire.parts import ModelPart, WorkloadPart

MODEL = "deepseek-v3"
REPEATS = 2000
ROUNDS = 5


def inspection_s(model: str = MODEL, repeats: int = REPEATS) -> float:
    """Seconds of one inspection by ``hf_config``, every workload another: the median call of the best round."""
    catalogs = load_catalogs()
    config = dict(catalogs.model(model).config)
    requests = [
        InspectRequest(model=ModelPart(hf_config=config), workload=WorkloadPart(input_tokens=1 + index))
        for index in range(repeats)
    ]
    inspect_model(requests[0], catalogs)
    return min(_median_s(requests, catalogs) for _ in range(ROUNDS))


def _median_s(requests: list[InspectRequest], catalogs: Catalogs) -> float:
    times = []
    for request in requests:
        start = perf_counter()
        inspect_model(request, catalogs)
        times.append(perf_counter() - start)
    return median(times)


def measure() -> Iterator[Figure]:
    """Yield the time of one inspection."""
    yield Figure(title=f"inspection of {MODEL}", value=1e6 * inspection_s(), unit="us")


if __name__ == "__main__":
    report(measure)
