"""The start of a closed loop: all slots send at once, and their prompts fill step after step, in order."""

from llm_calc.core.serving.run import DONE, Request, Run


class Start:
    """The first prompts of a run whose sequences move one by one on one replica, all of which have room at once.

    ``rows``: the events; for each request the reading of its first token and the step of its last.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        firsts = (
            draws[: run.slots].tolist() for draws in (run.draws.wholes, run.draws.prompts, run.draws.later)
        )
        self.whole, self.prompt, self.steps = firsts
        self.rows: list[float] = []
        self.firsts: list[int] = []
        self.ends: list[float] = []
        self.tick, self.context = 0, 0.0

    def fill(self) -> None:
        """Computes all prompts [tokens].

        ``chunk = min(left of the prompt, room of the step)``.
        Definition: :meth:`.run.Run.fill` over and over.
        """
        run, whole = self.run, self.whole
        number, left = 0, whole[0]
        while number < run.slots:
            beside = len(self.firsts) if run.mixed else 0
            room, taken, first, start = run.room(beside), 0.0, number, run.traffic.cached_tokens
            if left < whole[number]:
                start += whole[number] - left
            while number < run.slots and room > 0:
                part = min(left, room)
                taken, room, left = taken + part, room - part, left - part
                if left > DONE:
                    break
                number += 1
                left = whole[number] if number < run.slots else 0.0
            prompts = number - first + (0 < left < whole[min(number, run.slots - 1)])
            self.step(beside, taken, float(prompts), start)
            self.complete(first, number)

    def step(self, beside: int, taken: float, prompts: float, start: float) -> None:
        """Notes one step, beside so many that decode."""
        mean = self.context / beside if beside else 0.0
        self.rows.extend((1.0, beside, len(self.firsts), mean, taken, prompts, start))
        self.tick += beside > 0
        self.context += beside * self.run.rules.tokens_per_step

    def complete(self, first: int, number: int) -> None:
        """The prompts of requests from ``first`` on, before ``number``, are complete."""
        reading = len(self.rows) // 7
        self.firsts += [reading] * (number - first)
        self.ends += [self.tick + steps for steps in self.steps[first:number]]
        self.context += sum(self.prompt[first:number])

    def requests(self) -> list[tuple[float, int, Request]]:
        """The sequences that run now, as a run holds them."""
        found, whole = [], self.whole
        for number, (end, first) in enumerate(zip(self.ends, self.firsts, strict=True)):
            request = Request(number, number, 0, whole[number], together=True)
            request.left, request.ready, request.first = 0.0, 1, first
            found.append((end, number + 1, request))
        return sorted(found)


def started(run: Run) -> Start | None:
    """The start of a run; None where it is not that simple [tokens].

    Definition: groups, replicas, prompts of more than two steps and answers that end before all have begun are not.
    """
    slots, widest = run.slots, float(run.draws.wholes[: run.slots].max(initial=0.0))
    if run.group != 1.0 or run.rules.replicas != 1 or widest >= 2 * run.room(slots):
        return None
    start = Start(run)
    start.fill()
    return start if min(start.ends) > start.tick + DONE else None
