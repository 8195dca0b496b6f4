"""Settings of the service, read from environment variables that start with ``LLM_CALC_``."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB_BYTES = 2**20


class Settings(BaseSettings):
    """What can be set from outside. Values are read once, when the object is made, and never change."""

    model_config = SettingsConfigDict(env_prefix="LLM_CALC_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one")
    catalogs_path: Path | None = Field(
        None,
        description="Folder of catalogs in place of the package's; "
        "formats, engines, launch and calibration may be left out",
    )
    max_body_bytes: int = Field(8 * MIB_BYTES, ge=1024, description="Largest accepted request body [bytes]")
    request_time_limit_s: float = Field(
        30.0, gt=0, le=3600, description="Longest time until an answer must have begun [s]"
    )
    stream_time_limit_s: float = Field(
        900.0, gt=0, le=86400, description="Longest time that a streamed answer may take [s]"
    )
    sweep_max_rows: int = Field(5_000_000, ge=1, description="Largest accepted sweep [rows]")
    shutdown_time_limit_s: int = Field(
        30, ge=0, le=3600, description="Longest wait for requests in flight when the service is stopped [s]"
    )
    keep_alive_s: int = Field(15, ge=1, le=3600, description="How long an idle connection is kept open [s]")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Least severe log lines to write: debug, info, warning or error; access lines are info",
    )
