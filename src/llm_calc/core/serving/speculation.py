"""Speculative decoding: a draft proposes tokens, one step of the model checks them all."""

from dataclasses import dataclass

from llm_calc.core.arrays import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """``tokens`` are proposed a step, each accepted with ``acceptance`` if those before it were.

    Proposing one costs ``cost_fraction`` of a step of the model. ``gained_tokens``: what a step gains on average, where
    that was measured; None: as ``acceptance`` says.
    """

    tokens: int = 0
    acceptance: float = 0.0
    cost_fraction: float = 0.0
    gained_tokens: float | None = None

    @property
    def checked_tokens(self) -> float:
        """Tokens of a sequence in one step: the proposed ones and the last known [tokens].

        ``1 + k`` with k proposals.
        Definition: all are checked at once.
        """
        return 1.0 + self.tokens

    @property
    def tokens_per_step(self) -> float:
        """Expected tokens gained in a step [tokens].

        ``(1 - a^(k+1)) / (1 - a)``, with acceptance a and k proposals; as measured, where it was.
        Source: Leviathan, Kalman and Matias 2023 (arXiv:2211.17192), numerator of theorem 3.8; checked: 2026-11-30,
        read in a public implementation that names it.
        Leaves out: dependence between acceptances, which are taken as independent.
        """
        if self.gained_tokens is not None:
            return self.gained_tokens
        if self.acceptance >= 1:
            return self.checked_tokens
        return float((1 - self.acceptance ** (self.tokens + 1)) / (1 - self.acceptance))

    @property
    def step_factor(self) -> float:
        """Time of a step with its proposals, over the checking step alone [1].

        ``1 + k x cost_fraction``.
        Source: Leviathan, Kalman and Matias 2023 (arXiv:2211.17192), theorem 3.8, whose c is ``cost_fraction``;
        checked: 2026-11-30, read in a public implementation that names it.
        Leaves out: drafts that run beside the model.
        """
        return 1.0 + self.tokens * self.cost_fraction

    def seconds_per_token(self, step_s: Quantity) -> Quantity:
        """Mean time of one gained token when a checking step takes ``step_s`` [s].

        ``step_s x step_factor / tokens_per_step``.
        Source: Leviathan, Kalman and Matias 2023 (arXiv:2211.17192), theorem 3.8; checked: 2026-11-30, read in a
        public implementation that names it.
        Leaves out: as :attr:`tokens_per_step`.
        """
        return step_s * self.step_factor / self.tokens_per_step


NO_DRAFT = Draft()


def acceptance_of(gained_tokens: float, tokens: int) -> float:
    """The share accepted with which a step gains so many tokens, by bisection [1].

    The ``a`` of ``(1 - a^(k+1)) / (1 - a) = gained``, 0 to 1.
    Definition: the inverse of :attr:`Draft.tokens_per_step`.
    """
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        short = Draft(tokens=tokens, acceptance=middle).tokens_per_step < gained_tokens
        low, high = (middle, high) if short else (low, middle)
    return high
