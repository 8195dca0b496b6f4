"""The server over streamable HTTP: one question a request, nothing kept between them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Receive, Scope, Send

from llm_calc.mcp_server.server import Runner, new_server

Answering = Callable[[Scope, Receive, Send], Awaitable[None]]


@asynccontextmanager
async def answering(runner: Runner, most_body_bytes: int) -> AsyncIterator[Answering]:
    """What answers requests while the block lasts; ``runner`` runs the work of each tool.

    Hosts, origins and sizes are checked by what it is mounted in.
    """
    server = new_server(runner)
    manager = StreamableHTTPSessionManager(
        app=server._lowlevel_server,  # noqa: SLF001 - the library offers it only inside an application of its own
        json_response=True,
        stateless=True,
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=most_body_bytes,
    )
    async with manager.run():
        yield manager.handle_request
