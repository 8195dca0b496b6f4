"""Commands that run until they are stopped: the service and the MCP server."""

from dataclasses import dataclass
from typing import Annotated

from llm_calc.cli.options import SERVICE, option
from llm_calc.core.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Where to listen; all else is set by environment variables."""

    host: Annotated[
        str | None,
        option(
            "--host",
            panel=SERVICE,
            of="ADDRESS",
            what="Address to listen on.",
            default="LLM_CALC_HOST, 127.0.0.1",
        ),
    ] = None
    port: Annotated[
        int | None,
        option(
            "--port",
            panel=SERVICE,
            of="PORT",
            what="TCP port to listen on; 0 takes a free one.",
            default="LLM_CALC_PORT, 8000",
        ),
    ] = None
    workers: Annotated[
        int | None,
        option(
            "--workers",
            panel=SERVICE,
            of="NUMBER",
            what="Processes that answer on the address.",
            default="LLM_CALC_WORKERS, 1",
        ),
    ] = None


def serve(options: ServeOptions) -> None:
    """Answer requests over HTTP, with the page at / and the documentation at /docs."""
    from llm_calc.cli.service import serve as answer_requests

    answer_requests(options.host, options.port, options.workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpOptions:
    """The MCP server has none."""


def mcp(_: McpOptions) -> None:
    """Offer the same operations as tools over the Model Context Protocol, on stdin and stdout."""
    try:
        from llm_calc.mcp_server import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mcp":
            raise
        raise InvalidInputError("mcp: needs the extra llm-calc[mcp]") from None
    run()
