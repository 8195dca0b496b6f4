"""Settings of the service, read from environment variables that start with ``LLM_CALC_``."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MIB_BYTES = 2**20
PREFIX = "LLM_CALC_"


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Settings(BaseModel):
    """What can be set from outside. Values are read once, when the object is made, and never change.

    What is given to it counts before the environment, whose names are of any case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one")
    workers: int = Field(
        1,
        ge=1,
        le=256,
        description="Processes that answer on the address; each has the bounds below for itself",
    )
    catalogs_path: Path | None = Field(
        None,
        description="Folder of catalogs in place of the package's; "
        "formats, engines, launch and calibration may be left out",
    )
    keep_catalogs: bool = Field(
        default=True,
        description="Whether what was found right in the package's catalogs is kept in the user's cache for the next "
        "start; the library and the commands read it too",
    )
    max_body_bytes: int = Field(8 * MIB_BYTES, ge=1024, description="Largest accepted request body [bytes]")
    request_time_limit_s: float = Field(
        30.0, gt=0, le=3600, description="Longest time until an answer must have begun [s]"
    )
    stream_time_limit_s: float = Field(
        900.0, gt=0, le=86400, description="Longest time that a streamed answer may take [s]"
    )
    sweep_max_rows: int = Field(5_000_000, ge=1, description="Largest accepted sweep [rows]")
    sweep_max_setups: int = Field(
        100_000, ge=1, description="Most set-ups of a sweep: rows that differ in more than numbers"
    )
    heavy_threads: int = Field(
        1, ge=1, le=64, description="Searches, sweeps and comparisons that are worked on at a time"
    )
    heavy_process: bool = Field(
        default=True,
        description="Whether they are worked on by a process beside the service, which the first of them starts and "
        "two minutes without any end",
    )
    heavy_waiting: int = Field(
        8, ge=0, le=10_000, description="Further ones that wait their turn; above it the answer is 429"
    )
    light_threads: int = Field(2, ge=1, le=64, description="Single estimates that are worked on at a time")
    light_waiting: int = Field(
        254, ge=0, le=10_000, description="Further ones that wait their turn; above it the answer is 429"
    )
    max_in_flight: int = Field(
        512, ge=1, description="Most requests in flight; above it the answer is 429, health and metrics apart"
    )
    max_connections: int = Field(
        2048,
        ge=8,
        description="Most open connections, fewer where the system allows fewer files; above it the one that has "
        "been idle longest is closed",
    )
    header_time_limit_s: float = Field(
        10.0, gt=0, le=3600, description="Longest time until a request's headers must have come [s]"
    )
    max_header_bytes: int = Field(
        65_536, ge=1024, description="Largest accepted request line and headers together [bytes]"
    )
    max_header_lines: int = Field(100, ge=8, description="Most accepted header lines")
    allowed_hosts: str | None = Field(
        None,
        description="Names that the service may be called by in Host, separated by commas; any where unset",
    )
    cors_origins: str | None = Field(
        None,
        description="Origins whose pages may ask the service, separated by commas; `*`: all; none where unset",
    )
    drain_s: float = Field(
        0.5,
        ge=0,
        le=600,
        description="When stopped, how long requests are still accepted while `/readyz` answers 503 [s]",
    )
    shutdown_time_limit_s: int = Field(
        8, ge=0, le=3600, description="Longest wait for requests in flight when the service is stopped [s]"
    )
    keep_alive_s: int = Field(15, ge=1, le=3600, description="How long an idle connection is kept open [s]")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info",
        description="Least severe log lines to write: debug, info, warning or error; access lines are info",
    )

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - of the fields' types, or what is read as them
        super().__init__(**{**_from_environment(), **given})

    @property
    def hosts(self) -> frozenset[str]:
        """Names in ``allowed_hosts``."""
        return frozenset(_listed(self.allowed_hosts))

    @property
    def origins(self) -> list[str]:
        """Origins in ``cors_origins``."""
        return _listed(self.cors_origins)


def _from_environment() -> dict[str, str]:
    """Values of the fields that the environment names."""
    said = {name.upper(): value for name, value in os.environ.items()}
    names = {field: f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    return {field: said[name] for field, name in names.items() if name in said}


def _listed(text: str | None) -> list[str]:
    """The entries of a list that is separated by commas."""
    return [entry.strip().lower() for entry in (text or "").split(",") if entry.strip()]


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each variable that begins like a setting and is none."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    found = os.environ if environment is None else environment
    return [
        f"{name}: is no setting and changes nothing{_hint(name, known)}"
        for name in sorted(found)
        if name.startswith(PREFIX) and name not in known
    ]


def _hint(name: str, known: list[str]) -> str:
    nearest = get_close_matches(name, known, n=1)
    return f"; meant may be {nearest[0]}" if nearest else ""
