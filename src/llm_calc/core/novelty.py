"""How new a question is to a fit, and which of its held-out errors tell how sure the answer is."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from llm_calc.core.calibration import HeldOutError

PLACES = ("vendor", "generation", "gpu", "model", "row")
"""What a fit may not have seen, the newest first; see ``HeldOutError.held_out``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newness:
    """What a fit had seen of a question.

    ``place``: one of :data:`PLACES`. ``pair``: engine and class of chips; ``maker``: NVIDIA or all others.
    ``known_model``: the model was measured anywhere. ``few_models``: the engine was measured with hardly any, or a new
    one meets a GPU of another maker than NVIDIA with hardly any.
    """

    place: str
    pair: str
    maker: str
    known_model: bool = True
    few_models: bool = False


def errors_told(errors: Sequence[HeldOutError], new: Newness) -> list[HeldOutError]:
    """Of every load and metric the errors of questions as new, with ranges no narrower than less new ones have [1].

    The rows of the place; widened by those of known stacks of the same engine and chips, by those of unseen models
    where the model was measured nowhere, and by those of unseen vendors where the engine was measured with hardly any.
    Choice: each kind of novelty has a range of its own, from groups of which as much was unseen (``docs/accuracy.md``);
    that of a vendor has ``sqrt(bound^2 + ln(1.5)^2)`` for a maker of whose chips no such error is known.
    Leaves out: how several kinds of novelty add up.
    """
    found = _nearest(errors, new.place, new)
    if new.place == "row":
        return _as_wide(found, [] if new.known_model else _nearest(errors, "model", new))
    own = [error for error in errors if error.held_out == "row" and error.pair == new.pair]
    found = _as_wide(found, own)
    found = _as_wide(found, [] if new.known_model else _nearest(errors, "model", new))
    return _as_wide(found, _nearest(errors, "vendor", new) if new.few_models else [])


def _nearest(errors: Sequence[HeldOutError], place: str, new: Newness) -> list[HeldOutError]:
    """Of this engine on this class of chips where enough runs were measured, else of the maker, else of all."""
    best: dict[tuple[str, str], HeldOutError] = {}
    for error in errors:
        if error.held_out == place and error.pair in ("", new.pair) and error.maker in ("", new.maker):
            kind = error.load, error.metric
            if kind not in best or _nearness(error) > _nearness(best[kind]):
                best[kind] = error
    chosen = [error for error in errors if best.get((error.load, error.metric)) is error]
    return [_of_strangers(error, new) for error in chosen] if place == "vendor" else chosen


UNKNOWN_MAKER = math.log(1.5)
"""How far off times on chips may be besides of whose maker no error is known [ln]: in process, engines on others' chips
were a third to a half off where nothing was known of these (``docs/accuracy.md``)."""


def _of_strangers(error: HeldOutError, new: Newness) -> HeldOutError:
    """The error of unseen vendors as it holds for this maker: others' do not tell how far off a further one may be."""
    if error.maker == new.maker:
        return error
    low, high = -math.hypot(error.low_log, UNKNOWN_MAKER), math.hypot(error.high_log, UNKNOWN_MAKER)
    return replace(error, low_log=low, high_log=high)


def _nearness(error: HeldOutError) -> int:
    return 2 * bool(error.pair) + bool(error.maker)


def _as_wide(errors: Iterable[HeldOutError], others: Sequence[HeldOutError]) -> list[HeldOutError]:
    by_kind = {(other.load, other.metric): other for other in others}
    return [widened(error, by_kind.get((error.load, error.metric), error)) for error in errors]


def widened(error: HeldOutError, other: HeldOutError) -> HeldOutError:
    """An error with a range that holds the other's as well [1].

    Definition: the lower of both lows, the higher of both highs.
    """
    return replace(
        error, low_log=min(error.low_log, other.low_log), high_log=max(error.high_log, other.high_log)
    )
