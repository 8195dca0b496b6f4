"""How often measured servers look for new requests: first tokens wait for it."""

from collections.abc import Iterable
from dataclasses import replace

from llm_calc.core.calibration import ANY, Poll, format_class
from llm_calc.core.engines import Engine
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.operators.work import GROUPS, StepWork
from llm_calc.core.serving.host import MANY, HostTimes


def with_polls(
    host: HostTimes,
    polls: Iterable[Poll],
    engine: str,
    chip: str,
    shape: str,
    work: StepWork,
    stated: int | None = None,
) -> HostTimes:
    """The steps that measured servers let pass, of the line that says most; every step where attention is dealt [s].

    Definition: what sources of measured servers say of their settings, or what a request has ``stated``.
    """
    if stated is not None:
        return replace(host, polled_steps=float(stated), polled_steps_of_few=float(stated))
    rows = [row for row in polls if row.engine == engine and row.chip == chip]
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
    """The steps between looks for new requests that are stated of an engine; None where nothing is [1].

    Definition: SGLang's ``scheduler_recv_interval``.
    """
    return engine.scheduler_recv_interval if isinstance(engine, Sglang) else None


def poll_words(host: HostTimes, engine: str, requests: int) -> tuple[str, ...]:
    """What figures of first tokens take a server's looks for new requests to be, with so many at one replica."""
    steps = host.polled_steps_of_few if requests < MANY else host.polled_steps
    if requests <= 1 or steps == 1:
        return ()
    note = (
        f"first tokens are those of a {engine} server with scheduler_recv_interval {steps:.0f}, as measured servers of "
        f"this kind ran; with its default of 1 they come some {(steps - 1) / 2:.0f} steps sooner"
    )
    return (note,)
