"""Running the application under uvicorn until the process is told to stop."""

import gc
import os
import signal
import socket
import sys

import uvicorn
from fastapi import FastAPI
from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from llm_calc.adapters.all_catalogs import load_all_catalogs
from llm_calc.adapters.catalog import CatalogError
from llm_calc.api.app import create_app
from llm_calc.api.logs import set_up_logging
from llm_calc.api.settings import Settings

FAILED = 1
"""Exit code where the service cannot start."""


class _Protocol(HttpToolsProtocol):
    """Answers what is no HTTP in the shape of all errors."""

    def send_400_response(self, msg: str) -> None:
        """Refuse the bytes that came and close the connection."""
        body = to_json({"error": f"request: {msg.rstrip('.').lower()}; HTTP/1.1 is accepted"})
        head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()


class _Server(uvicorn.Server):
    """Says where it listens as soon as it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen and print the address, or say why that cannot be."""
        try:
            await super().startup(sockets)
        except SystemExit as stop:
            sys.exit(_not_listening(self.config, stop.__context__))
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            url = f"http://{_address(host, port)}"
            print(f"llm-calc is ready at {url} (API documentation: {url}/docs)", flush=True)  # noqa: T201


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _not_listening(config: uvicorn.Config, cause: BaseException | None) -> str | int:
    """A sentence, which ends the process with 1, where the system refused the address; else the code alone."""
    if not isinstance(cause, OSError):
        return FAILED
    number = cause.errno or 0
    why = os.strerror(number) if number > 0 else cause.strerror or str(cause)
    return f"Error: {_address(config.host, config.port)}: cannot listen there: {why}"


def serve(settings: Settings) -> None:
    """Answer requests until SIGTERM or SIGINT; requests in flight are then finished.

    Raises:
        SystemExit: with a sentence where the catalogs cannot be read or the address is taken.
    """
    set_up_logging(settings.log_level)
    try:
        load_all_catalogs(settings.catalogs_path)
    except (CatalogError, OSError) as error:
        sys.exit(f"LLM_CALC_CATALOGS_PATH: the catalogs cannot be read: {error}")
    app = create_app(settings)
    gc.freeze()
    gc.enable()
    run(app, settings)


def run(app: FastAPI, settings: Settings) -> None:
    """Run an application as ``serve`` does.

    Raises:
        SystemExit: with a sentence where the address is taken.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=_Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_time_limit_s,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server raises the signal again once it has stopped; being told to stop is no failure.
        signal.signal(number, signal.SIG_IGN)
    server = _Server(config)
    server.run()
    if not server.started:
        sys.exit(FAILED)
