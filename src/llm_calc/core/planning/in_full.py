"""What a search has to know of a replica's load, and of a candidate that was worked out in full."""

from typing import Protocol, TypeVar

from llm_calc.core.planning.candidates import C, Row
from llm_calc.core.serving.estimate import Estimate


class Loaded(Protocol):
    """A load of one replica."""

    @property
    def load(self) -> str:
        """Its kind."""

    @property
    def requests_in_flight(self) -> int:
        """Requests at once [requests].

        Definition: as asked for.
        """

    @property
    def request_rate(self) -> float | None:
        """Arrivals [requests/s].

        Definition: as asked for.
        """

    @property
    def session_rate(self) -> float | None:
        """Beginning sessions in a second [requests/s].

        Definition: as asked for.
        """


class InFull(Protocol[C]):
    """A candidate that keeps all limits, worked out in full."""

    @property
    def row(self) -> Row[C]:
        """One replica."""

    @property
    def workload(self) -> Loaded:
        """What a replica serves."""

    @property
    def found(self) -> Estimate:
        """What it does [s, tokens/s].

        Definition: times of the fullest replica, throughput of the mean one.
        """

    @property
    def replicas(self) -> int:
        """How many there are [replicas].

        Definition: as many as the load was shared among.
        """

    @property
    def gpus(self) -> int:
        """Of all replicas [GPUs].

        Definition: those of one times replicas.
        """


W = TypeVar("W", bound=Loaded)
P = TypeVar("P", bound=InFull)  # type: ignore[type-arg]
