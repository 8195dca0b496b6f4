"""Running the application under uvicorn until the process is told to stop."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from llm_calc.adapters.all_catalogs import load_all_catalogs, unreadable
from llm_calc.api.app import create_app
from llm_calc.api.logs import set_up_logging
from llm_calc.api.protocol import ConnectionLimits, LimitedProtocol, protocol_with
from llm_calc.api.settings import Settings, unknown_variables
from llm_calc.api.workers import Workers, listening
from llm_calc.core.errors import CatalogError

FAILED = 1
"""Exit code where the service cannot start."""
SWITCH_S = 0.0005
"""How long a thread that computes keeps the others waiting [s]; Python's own 5 ms would be felt in light answers."""
TICKS_A_SECOND = 10
FILES_OF_OWN = 40
"""Files that the process has open beside its connections, with some to spare."""
MOST_FILES = 65_536
ELSEWHERE = 512
"""Files on systems that do not say."""


class _Server(uvicorn.Server):
    """Says where it listens as soon as it does, closes what takes too long, and stops without losing a request."""

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, protocol: type[LimitedProtocol], drain_s: float
    ) -> None:
        super().__init__(config)
        self.app, self.protocol, self.drain_s = app, protocol, drain_s
        self.ready: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen and print the address, or say why that cannot be."""
        try:
            await super().startup(sockets)
        except SystemExit as stop:
            sys.exit(_not_listening(self.config.host, self.config.port, stop.__context__))
        if self.ready is not None:
            self.ready()
        elif self.started:
            _say_ready(self.servers[0].sockets[0])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal; being told to stop is no failure."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield

    async def on_tick(self, counter: int) -> bool:
        """Every second, look after the connections."""
        if counter % TICKS_A_SECOND == 0:
            now_s = asyncio.get_running_loop().time()
            self.app.state.beside.look_after()
            for connection in list(self.server_state.connections):
                if isinstance(connection, LimitedProtocol):
                    connection.look_after(now_s)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that no more should come, take what still does, then stop to listen and finish what was accepted."""
        self.app.state.draining = True
        self.protocol.draining = True
        await asyncio.sleep(self.drain_s)
        await super().shutdown(sockets)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _say_ready(opened: socket.socket) -> None:
    host, port = opened.getsockname()[:2]
    url = f"http://{_address(host, port)}"
    print(f"llm-calc is ready at {url} (API documentation: {url}/docs)", flush=True)  # noqa: T201


def _not_listening(host: str, port: int, cause: BaseException | None) -> str | int:
    """A sentence, which ends the process with 1, where the system refused the address; else the code alone."""
    if not isinstance(cause, OSError):
        return FAILED
    number = cause.errno or 0
    why = os.strerror(number) if number > 0 else cause.strerror or str(cause)
    return f"Error: {_address(host, port)}: cannot listen there: {why}"


def serve(settings: Settings) -> None:
    """Answer requests until SIGTERM or SIGINT; requests in flight are then finished.

    Raises:
        SystemExit: with a sentence where the catalogs cannot be read or the address is taken.
    """
    set_up_logging(settings.log_level)
    for sentence in unknown_variables():
        logging.getLogger("llm_calc.settings").warning(sentence)
    try:
        load_all_catalogs(settings.catalogs_path)
    except (CatalogError, OSError) as error:
        sys.exit(unreadable(error, named=settings.catalogs_path is not None))
    app = create_app(settings, late=settings.workers == 1)
    gc.freeze()
    gc.enable()
    if settings.workers == 1:
        run(app, settings)
        return
    try:
        opened = listening(settings.host, settings.port)
    except OSError as error:
        sys.exit(_not_listening(settings.host, settings.port, error))
    workers = Workers(settings.workers, lambda ready: run(app, settings, opened, ready))
    sys.exit(workers.run(lambda: _say_ready(opened)))


def run(
    app: FastAPI,
    settings: Settings,
    opened: socket.socket | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Run an application as ``serve`` does; ``opened``: listens already, and ``ready`` is called in place of saying so.

    Raises:
        SystemExit: with a sentence where the address is taken.
    """
    protocol = protocol_with(_connection_limits(settings))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_time_limit_s,
    )
    sys.setswitchinterval(SWITCH_S)
    app.state.beside.enabled = settings.heavy_process
    server = _Server(config, app, protocol, settings.drain_s)
    server.ready = ready
    server.run(None if opened is None else [opened])
    if not server.started:
        sys.exit(FAILED)


def _connection_limits(settings: Settings) -> ConnectionLimits:
    """The bounds of the settings; connections also by the files that the system lets the process open."""
    return ConnectionLimits(
        connections=max(1, min(settings.max_connections, most_files() - FILES_OF_OWN)),
        header_time_s=settings.header_time_limit_s,
        header_bytes=settings.max_header_bytes,
        header_lines=settings.max_header_lines,
    )


def most_files() -> int:
    """How many files the process may have open, raised to what it may raise it to."""
    try:
        import resource
    except ImportError:
        return ELSEWHERE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft
