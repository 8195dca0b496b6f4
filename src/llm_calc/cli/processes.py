"""Commands that run until they are stopped: the service and the MCP server."""

from dataclasses import dataclass
from typing import Annotated

import typer

from llm_calc.core.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Where to listen; all else is set by environment variables."""

    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None
    port: Annotated[
        int | None, typer.Option(help="TCP port to listen on; 0 takes a free one.", show_default=False)
    ] = None


def serve(options: ServeOptions) -> None:
    """Answer requests over HTTP, with the page at / and the documentation at /docs."""
    from llm_calc.cli.service import serve as answer_requests

    answer_requests(options.host, options.port)


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
