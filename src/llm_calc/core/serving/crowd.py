"""All sequences of a closed loop at once, as long as every prompt fits into the step after it was sent.

Whoever enters now decodes at least as long as the shortest answer. All that end until then are known, and so is when
their slots' next requests enter and end: a generation is a few operations on arrays.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.run import DONE, Request, Run, Start

Numbers = npt.NDArray[np.intp]
Truths = npt.NDArray[np.bool_]
_FIRST = np.zeros(1, dtype=np.intp)
_ZERO = np.zeros(1)


@dataclass(frozen=True, slots=True)
class Generation:
    """Requests that end, at which steps, and whether their slots send again."""

    ending: Numbers
    at: FloatArray
    again: Truths


class Crowd:
    """The running sequences of a run, in the order in which they end or began; ``count`` of them at first."""

    def __init__(self, run: Run, start: Start | None = None) -> None:
        self.run, self.first = run, run.drawn
        self.slot = np.empty(len(run.draws.later), dtype=np.intp)
        self.arrived, self.begun = np.zeros((2, len(self.slot)))
        if start is None:
            self._take(run)
        else:
            self.ends, self.alive = np.array(start.ends), np.arange(run.slots)
            self.slot[: run.slots] = self.alive
            self.begun[: run.slots] = start.firsts
        self.count, self.sent = len(self.alive), np.array(run.sent)
        self.step = 1.0 if run.mixed else 0.0
        self.soonest = self.step + float(run.draws.later.min())
        self.widest = float(run.draws.wholes.max())

    def _take(self, run: Run) -> None:
        """The sequences as a run holds them."""
        ends, _, requests = zip(*sorted(run.running), strict=True)
        self.ends = np.array(ends, dtype=np.float64)
        self.alive = np.array([request.number for request in requests], dtype=np.intp)
        self.slot[self.alive] = [request.slot for request in requests]
        self.arrived[self.alive] = [request.arrived for request in requests]
        self.begun[self.alive] = [request.first for request in requests]

    def generation(self) -> Generation | None:
        """What ends before whoever enters now could; None where prompts do not fit [tokens].

        ``end of a newcomer = end of the one before it + 1 + steps of its answer``.
        Definition: a slot sends when its answer ends; the prompt takes the step after.
        """
        order = self.ends.argsort(kind="stable")
        ends, alive = self.ends[order], self.alive[order]
        count = len(ends)
        if ends[-1] > ends[0] + self.soonest:
            count = int(ends.searchsorted(ends[0] + self.soonest, "right"))
        at, slots = np.ceil(ends[:count] - DONE), self.slot[alive[:count]]
        again = self.sent[slots] < self.run.traffic.requests_per_slot
        everyone = bool(again.all())
        fitting = self._fitting(at if everyone else at[again])
        if fitting is not None:
            count = int(at.searchsorted(fitting))
            at, slots, again = at[:count], slots[:count], again[:count]
        sending, slots = (at, slots) if everyone else (at[again], slots[again])
        self.sent[slots] += 1
        first, self.run.drawn = self.run.drawn, self.run.drawn + len(slots)
        new = slice(first, self.run.drawn)
        self.slot[new] = slots
        entering, numbers = sending + self.step + self.run.draws.later[new], np.arange(first, new.stop)
        stays = count < len(ends)
        self.ends = np.concatenate((ends[count:], entering)) if stays else entering
        self.alive = np.concatenate((alive[count:], numbers)) if stays else numbers
        return Generation(alive[:count], at, again) if count else None

    def _fitting(self, sent_at: FloatArray) -> float | None:
        """When prompts first come together that one step has no room for."""
        rules, run = self.run.rules, self.run
        room = run.room(len(self.alive) if run.mixed else 0)
        most, own = room * rules.replicas, room * min(rules.replicas, run.group)
        if self.widest <= own and not self._meet(sent_at, int(most / self.widest)):
            return None
        if not len(sent_at):
            return None
        later = sent_at[1:] > sent_at[:-1]
        starts = np.concatenate((_FIRST, later.nonzero()[0] + 1))
        wholes = run.draws.wholes[run.drawn : run.drawn + len(sent_at)]
        over = np.add.reduceat(wholes, starts) > most
        over |= np.maximum.reduceat(wholes, starts) > own
        return float(sent_at[starts[over.argmax()]]) if over.any() else None

    def _meet(self, sent_at: FloatArray, prompts: int) -> bool:
        """Whether more than so many are ever sent at once."""
        return bool((sent_at[prompts:] <= sent_at[: max(len(sent_at) - prompts, 0)]).any())

    def left(self) -> list[tuple[float, int, Request]]:
        """The sequences that still run, as a run holds them."""
        found = []
        order = self.ends.argsort(kind="stable")
        for end, number in zip(self.ends[order].tolist(), self.alive[order].tolist(), strict=True):
            request = Request(
                number, int(self.slot[number]), float(self.arrived[number]), 0.0, together=False
            )
            request.first = float(self.begun[number])
            self.run.entered += 1
            found.append((end, self.run.entered, request))
        return found


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows of events, samples and ends, as a run notes them."""

    events: FloatArray
    samples: FloatArray
    ends: FloatArray


def move(run: Run, start: Start | None = None) -> Moved | None:
    """Moves a run, of its ``start`` on, until its prompts get into each other's way, or to its end [tokens].

    ``generation after generation``.
    Definition: :meth:`Crowd.generation` over and over.
    """
    crowd, found = Crowd(run, start), list[Generation]()
    while len(crowd.alive) and (generation := crowd.generation()):
        found.append(generation)
    if not found:
        return None
    moved = _noted(crowd, found)
    run.running, run.sent = crowd.left(), crowd.sent.tolist()
    run.held = sum(run.draws.reserve[request.number] for _, _, request in run.running)
    return moved


def _noted(crowd: Crowd, found: list[Generation]) -> Moved:
    """The events of generations, and what they mean for each request; the run's counters move on."""
    run, draws = crowd.run, crowd.run.draws
    ending = np.concatenate([each.ending for each in found])
    at = np.concatenate([each.at for each in found])
    again = np.concatenate([each.again for each in found])
    starts = np.concatenate((_FIRST, (at[1:] > at[:-1]).nonzero()[0] + 1))
    new = slice(crowd.first, run.drawn)
    columns = np.zeros((4, len(at)))
    columns[0] = again
    columns[1, again], columns[2, again] = draws.prompts[new], draws.wholes[new]
    columns[3] = draws.prompts[ending] + draws.outputs[ending] - 1
    ended = np.diff(starts, append=len(at))
    events, readings = _events(crowd, at[starts], ended, np.add.reduceat(columns, starts, axis=1))
    reading = readings.repeat(ended)
    sent = reading[again]
    crowd.arrived[new], crowd.begun[new] = sent, sent + 1
    return Moved(
        events=events,
        samples=np.column_stack((sent, sent, sent + 1)).repeat(run.members, axis=0),
        ends=np.column_stack((crowd.arrived[ending], crowd.begun[ending], reading, draws.outputs[ending])),
    )


def _events(
    crowd: Crowd, ticks: FloatArray, ended: Numbers, sums: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Rows of decoding and of filling, in turn, and the reading at which sequences end at each of the ticks."""
    run, growth = crowd.run, crowd.run.rules.tokens_per_step
    sent, joined, tokens, gone = sums
    fills = sent > 0
    stepped = crowd.step * fills
    steps = ticks - np.concatenate(([run.tick], (ticks + stepped)[:-1]))
    running = _before(crowd.count, sent - ended)
    beside = running - ended
    decoding = beside * stepped
    grown = steps * running * growth - gone
    context = _before(run.context, grown + decoding * growth + joined)
    rows = np.zeros((7, 2, len(ticks)))
    rows[:4, 0] = steps, running, running, context / running + steps * growth / 2
    rows[3, 1] = (context + grown) / np.maximum(beside, 1.0) * stepped
    rows[0, 1], rows[1, 1], rows[2, 1] = fills, decoding, beside
    rows[4, 1], rows[5, 1], rows[6, 1] = tokens, sent * run.group, run.traffic.cached_tokens
    happens = rows[0] > 0
    readings = _before(run.now, happens.sum(axis=0)) + happens[0]
    run.now += int(happens.sum())
    run.tick = int(ticks[-1] + stepped[-1])
    run.context = float(context[-1] + grown[-1] + decoding[-1] * growth + joined[-1])
    return rows.T[happens.T], readings


def _before(first: float, changes: FloatArray) -> FloatArray:
    """A count before each of its changes."""
    found = np.empty(len(changes))
    found[0] = first
    np.cumsum(changes[:-1], out=found[1:])
    found[1:] += first
    return found
