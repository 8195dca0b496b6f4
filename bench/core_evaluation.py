"""One evaluation of the core in process: footprint, FLOPs and timing of one model on one GPU."""

from collections.abc import Iterator
from itertools import count
from time import process_time

from bench._figures import Figure, report
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.documented.calculate import calculate
from llm_calc.adapters.wire.documented_requests import CalculateRequest

REPEATS = 2000
ROUNDS = 5


def calculation_s() -> float:
    """Return seconds of one documented calculation over the whole catalog, no HTTP: the best of several rounds."""
    catalogs = load_catalogs()
    lengths = count(1)
    rounds = []
    for _ in range(ROUNDS):
        requests = [
            CalculateRequest(model_name="llama2-7b", gpu="a100-80gb", seq_length=next(lengths))
            for _ in range(REPEATS)
        ]
        began_s = process_time()
        for request in requests:
            calculate(request, catalogs)
        rounds.append((process_time() - began_s) / REPEATS)
    return min(rounds)


def measure() -> Iterator[Figure]:
    """Yield the time of one calculation."""
    yield Figure(
        title="one documented calculation with all GPUs of the catalog, no HTTP",
        value=1e6 * calculation_s(),
        unit="us",
    )


if __name__ == "__main__":
    report(measure)
