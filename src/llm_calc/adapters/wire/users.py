"""People who send requests: the rate that they make, of requests or of sessions."""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from llm_calc.adapters.wire.base import LEAST_PER_S, fault_at
from llm_calc.adapters.wire.workload_rules import ROUNDING
from llm_calc.adapters.wire.workloads import SessionsPart
from llm_calc.adapters.workload_catalog import with_preset

RATES = ("request_rate", "session_rate")
USERS = frozenset(("users", "requests_per_user_per_minute"))
SECONDS_A_MINUTE = 60.0


class Users(Protocol):
    """What is read of a workload for the rate that its users make."""

    @property
    def users(self) -> float | None:
        """How many."""
        ...

    @property
    def requests_per_user_per_minute(self) -> float | None:
        """What each sends."""
        ...

    @property
    def request_rate(self) -> float | None:
        """Requests a second."""
        ...

    @property
    def session_rate(self) -> float | None:
        """Sessions a second."""
        ...

    @property
    def sessions(self) -> SessionsPart | None:
        """Turns of conversations in place of single requests."""
        ...


def as_stated(kind: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """What a request states of its workload, with the rate that users make, over what its preset says.

    Raises:
        ValidationError: users send too little.
        UnknownNameError: there is no such preset.
    """
    preset = data.get("preset")
    if not isinstance(preset, str):
        return _with_rate(kind, data, _turns_of(data.get("sessions")))
    turns = _turns_of(with_preset(data, preset).get("sessions"))
    return with_preset(_with_rate(kind, data, turns), preset)


def _with_rate(kind: type[BaseModel], stated: dict[str, Any], turns: int | None) -> dict[str, Any]:
    """The same with the rate that users make, where both are numbers; ``turns``: of the sessions that they hold.

    Raises:
        ValidationError: they send too little; names ``users``.
    """
    users, each = stated.get("users"), stated.get("requests_per_user_per_minute")
    known = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (users, each))
    if not known or users is None or each is None or any(stated.get(name) is not None for name in RATES):
        return stated
    made = users * each / SECONDS_A_MINUTE
    rate, what, field = made, "requests", "request_rate"
    if turns is not None:
        rate, what, field = made / turns, f"sessions of {turns} requests", "session_rate"
    if users > 0 and each > 0 and rate < LEAST_PER_S:
        said = f"with requests_per_user_per_minute they make {rate:g} {what} a second, below {LEAST_PER_S:g}"
        raise fault_at(kind, "users", said, users)
    return {**stated, field: rate}


def _turns_of(sessions: object) -> int | None:
    """Requests of each session as a request states them; None: there are none, or nothing that could be right."""
    if isinstance(sessions, SessionsPart):
        return sessions.turns
    if not isinstance(sessions, Mapping):
        return None
    turns = sessions.get("turns", SessionsPart().turns)
    return turns if isinstance(turns, int) and turns > 0 else None


def check_users(workload: Users) -> None:
    """Users and their requests go together, and make the rate that is stated: of sessions over their turns."""
    users, each, sessions = workload.users, workload.requests_per_user_per_minute, workload.sessions
    if (users is None) != (each is None):
        raise ValueError("users and requests_per_user_per_minute must be given together")
    if users is None or each is None:
        return
    made = users * each / SECONDS_A_MINUTE / (1 if sessions is None else sessions.turns)
    field, what = ("request_rate", "requests") if sessions is None else ("session_rate", "sessions")
    rate = workload.request_rate if sessions is None else workload.session_rate
    if rate is None or abs(made - rate) > ROUNDING * made:
        raise ValueError(f"{field}: users send {made:g} {what} a second, but it says {rate}; they must agree")
