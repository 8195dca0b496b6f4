"""What offline runs were sent: published tables of requests, and how fast queues of so many run."""

import numpy as np
import pytest

from llm_calc.core.serving import offline
from llm_calc.core.serving.batch import Lengths
from tests.builders import llama
from tests.core.serving.cases import rates, work
from tools.calibrate.cases import build_case
from tools.calibrate.measurements import Measurement, read_measurements
from tools.calibrate.queues import output_tokens_per_s, queue_of

OFFLINE = [row for row in read_measurements() if row.load == "offline"]
LENGTHS = Lengths(input_tokens=128.0, output_tokens=2048.0)
WORK, RATES = work(llama(), tensor=4), rates()
ROOM, LIMIT = np.array([1000.0]), np.array([2048.0])


def row_of(source: str, lengths: tuple[float, float], model: str = "") -> Measurement:
    return next(
        row
        for row in OFFLINE
        if row.source == source and (row.input_tokens, row.output_tokens) == lengths and model in row.model
    )


@pytest.mark.parametrize(
    ("row", "requests", "at_once"),
    [
        (row_of("s024", (128, 128)), 30000, 4096),  # TensorRT-LLM's page of performance, 0.17
        (row_of("s026", (1000, 2000)), 1500, 4096),  # the same of 1.0
        (row_of("s073", (1024, 32768)), 1000, 4096),  # the developer guide
        (row_of("s013", (128, 2048), "70B"), 3200, 3200),  # ROCm/vllm, num prompts and max num seqs
        (row_of("s014", (2048, 2048), "405B"), 500, 500),
    ],
    ids=str,
)
def test_tables_of_sources_are_read(row: Measurement, requests: int, at_once: int) -> None:
    queue = queue_of(row)
    assert (queue.requests, queue.max_sequences) == (requests, at_once)
    assert build_case(row).limit == at_once * build_case(row).plan.replicas


def test_every_line_is_of_a_measured_run() -> None:
    told = [row for row in OFFLINE if queue_of(row).max_sequences is not None]
    assert len(told) > 0.9 * len(OFFLINE)
    assert {row.source for row in OFFLINE} - {row.source for row in told} == {"s009", "s027"}


def endless(running: float) -> float:
    found = offline.steady_state(WORK, RATES, LENGTHS, np.array([running]), LIMIT)
    return float(np.asarray(found.output_tokens_per_s)[0])


def of_queue(requests: float) -> float:
    return float(output_tokens_per_s(WORK, RATES, LENGTHS, ROOM, LIMIT, np.array([requests]))[0])


def test_a_queue_of_whole_waves_runs_as_an_endless_one() -> None:
    assert of_queue(np.inf) == pytest.approx(endless(1000.0))
    assert of_queue(3000.0) == pytest.approx(endless(1000.0))


def test_what_is_left_runs_as_few_do() -> None:
    """2000 at the pace of 1000 at once, then 500 at that of 500."""
    seconds = 2000 / endless(1000.0) + 500 / endless(500.0)
    assert of_queue(2500.0) == pytest.approx(2500 / seconds)
    assert of_queue(500.0) == pytest.approx(endless(500.0))
    assert of_queue(2500.0) < endless(1000.0)
