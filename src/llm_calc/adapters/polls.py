"""How often measured servers look for new requests (``catalogs/calibration/polls.csv``): first tokens wait for it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from llm_calc.adapters.catalog.files import TEXT, catalog_folder, read_csv
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.calibration import format_class
from llm_calc.core.engines import Engine
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.operators.work import GROUPS, StepWork
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import MANY, HostTimes

ANY = ""


class PollRow(BaseModel):
    """A line of ``polls.csv``: steps between looks with few requests in flight and with many.

    ``chip``: class of chips; ``shape`` of a model and ``format`` of its experts (its matrices where it has none), empty
    for all others.
    """

    model_config = TEXT

    engine: str
    chip: str
    model: str = ANY
    shape: str = ANY
    format: str = ANY
    few: int
    many: int
    source: str


@cache
def load_polls(path: Path | None = None) -> tuple[PollRow, ...]:
    """The file, read once.

    Raises:
        CatalogError: a line is wrong; names it.
    """
    return tuple(read_csv(PollRow, catalog_folder("calibration", path) / "polls.csv"))


def with_polls(
    host: HostTimes, engine: str, chip: str, shape: str, work: StepWork, stated: int | None = None
) -> HostTimes:
    """The steps that measured servers let pass, of the line that says most; every step where attention is dealt.

    ``stated``: what a request says instead.
    """
    if stated is not None:
        return replace(host, polled_steps=float(stated), polled_steps_of_few=float(stated))
    rows = [row for row in load_polls() if row.engine == engine and row.chip == chip]
    known = [row for row in rows if row.shape in (ANY, shape) and row.format in (ANY, format_of(work))]
    if not known or work.sequence_share < 1:
        return host
    best = max(known, key=lambda row: (row.shape != ANY, row.format != ANY))
    return replace(host, polled_steps=float(best.many), polled_steps_of_few=float(best.few))


def format_of(work: StepWork) -> str:
    """Class of formats of the experts, of the first matrices where a model has none."""
    experts = format_class(work.linear[GROUPS.index("experts")].format)
    return experts or format_class(work.linear[0].format)


def stated_polls(engine: Engine) -> int | None:
    """The steps between looks for new requests that a request states of its engine; None where it says nothing."""
    return engine.scheduler_recv_interval if isinstance(engine, Sglang) else None


def poll_words(deployment: Deployment, engine: Engine, share: WorkloadPart) -> tuple[str, ...]:
    """What figures of first tokens take a server's looks for new requests to be, where no request says it."""
    if stated_polls(engine) is not None:
        return ()
    host, requests = deployment.host, share.requests_in_flight if share.load == "concurrency" else 0
    steps = host.polled_steps_of_few if requests < MANY else host.polled_steps
    if requests <= 1 or steps == 1:
        return ()
    note = (
        f"first tokens are those of a {engine.name} server with scheduler_recv_interval {steps:.0f}, as measured "
        f"servers of this kind ran; with its default of 1 they come some {(steps - 1) / 2:.0f} steps sooner"
    )
    return (note,)
