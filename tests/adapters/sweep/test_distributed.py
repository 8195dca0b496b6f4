"""The same sweep on a real cluster of two worker processes."""

import os
import signal
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.sweep.distributed import sweep_on
from llm_calc.adapters.sweep.run import ready_sweep
from llm_calc.adapters.sweep.writers import written
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.core.errors import InvalidInputError

BODY: dict[str, Any] = {
    "target": "serving_estimate",
    "base": {"model": {"name": "llama-3.1-8b"}, "workload": {"batch": 1}},
    "grid": {
        "hardware.gpu": ["h100-80gb-sxm", "l40s", "mi300x"],
        "workload.batch": {"start": 1, "stop": 200},
        "workload.input_tokens": {"start": 64, "stop": 8192, "count": 150},
    },
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from dask.distributed import LocalCluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster:
            yield cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["ndjson", "parquet"])
def test_a_cluster_answers_the_same_bytes(address: str, name: str) -> None:
    request = SweepRequest.model_validate({**BODY, "format": name})
    sweep = ready_sweep(request, load_catalogs(), 10**6)
    assert sweep.grid.batches >= 6
    counts: list[tuple[int, int]] = []
    parts = sweep_on(address, request, load_catalogs(), 10**6, lambda done, of: counts.append((done, of)))
    assert b"".join(parts) == b"".join(written(sweep, sweep.batches(load_catalogs())))
    assert counts[-1] == (90_000, 90_000)
    assert len(counts) == sweep.grid.batches


def test_an_address_of_another_kind_is_refused() -> None:
    request = SweepRequest.model_validate(BODY)
    with pytest.raises(InvalidInputError, match="on: must be dask://host:port"):
        sweep_on("ray://head:6379", request, load_catalogs(), 10**6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_worker_that_dies_changes_nothing() -> None:
    """One of two workers is killed after the first piece has come, and not started again."""
    from dask.distributed import Client, LocalCluster

    request = SweepRequest.model_validate({**BODY, "format": "ndjson"})
    sweep = ready_sweep(request, load_catalogs(), 10**6)
    counts: list[int] = []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        first, _ = client.run(os.getpid).values()
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        parts = sweep_on(address, request, load_catalogs(), 10**6, lambda done, _: counts.append(done))
        found = [next(parts)]
        os.kill(first, signal.SIGKILL)
        found += parts
    assert b"".join(found) == b"".join(written(sweep, sweep.batches(load_catalogs())))
    assert counts[-1] == 90_000
    assert counts == sorted(counts)
