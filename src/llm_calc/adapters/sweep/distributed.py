"""The same sweep on a Dask cluster: batches are evaluated by its workers and come back in order."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.sweep.run import Rows, Sweep, ready_sweep
from llm_calc.adapters.sweep.writers import written
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.core.errors import InvalidInputError, UnsupportedError

SCHEME = "dask://"
AHEAD = 3
"""Batches for each thread of the cluster that are under way or wait to be written: what bounds memory."""


def sweep_on(
    address: str,
    request: SweepRequest,
    catalogs: Catalogs,
    most_rows: int,
    on_rows: Callable[[int, int], None] = lambda _done, _of: None,
) -> Iterator[bytes]:
    """The stream of a sweep that the cluster at ``address`` evaluates; byte for byte that of a single process.

    ``on_rows`` is told after every batch how many rows of how many are done. Workers need the same version of this
    package. Closing the iterator cancels what is under way.

    Raises:
        InvalidInputError: the sweep or the address cannot be right.
        UnsupportedError: Dask is not installed.
    """
    sweep = ready_sweep(request, catalogs, most_rows)
    return written(sweep, _batches(_client_of(address), sweep, on_rows))


def _client_of(address: str) -> Callable[[], Any]:
    if not address.startswith(SCHEME) or not address.removeprefix(SCHEME):
        raise InvalidInputError(f"on: must be {SCHEME}host:port of a scheduler; got {address!r}", field="on")
    try:
        from dask.distributed import Client
    except ImportError:
        msg = "on: a cluster needs the extra llm-calc[distributed]"
        raise UnsupportedError(msg, field="on") from None
    return lambda: Client(f"tcp://{address.removeprefix(SCHEME)}", set_as_default=False)


def _batches(
    client_of: Callable[[], Any], sweep: Sweep, on_rows: Callable[[int, int], None]
) -> Iterator[list[Rows]]:
    """Batches in order, as many under way as keep the cluster busy."""
    text = sweep.request.model_dump_json()
    done = 0
    with client_of() as client:
        ahead = AHEAD * max(1, sum(client.nthreads().values()))
        waiting = iter(range(sweep.grid.batches))

        def submitted(count: int) -> list[Any]:
            chosen = islice(waiting, count)
            return [
                client.submit(evaluate_batch, text, index, sweep.grid.rows, pure=False) for index in chosen
            ]

        under_way = deque(submitted(ahead))
        while under_way:
            batch: list[Rows] = under_way.popleft().result()
            under_way.extend(submitted(1))
            done += sum(rows.count for rows in batch)
            on_rows(done, sweep.grid.rows)
            yield batch


def evaluate_batch(request: str, index: int, rows: int) -> list[Rows]:
    """One batch of a sweep, on a worker; ``request`` as JSON, ``rows`` of the whole grid."""
    return _ready(request, rows).batch(index, load_catalogs())


@lru_cache(maxsize=4)
def _ready(request: str, rows: int) -> Sweep:
    """The sweep, made ready once a worker."""
    return ready_sweep(SweepRequest.model_validate_json(request), load_catalogs(), rows)
