"""The application: a factory that puts settings, catalogs, routers, middleware and errors together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from llm_calc import __version__
from llm_calc.adapters.all_catalogs import load_all_catalogs
from llm_calc.api.beside import Beside
from llm_calc.api.errors import add_error_handlers
from llm_calc.api.guard import Guard
from llm_calc.api.kept import Kept
from llm_calc.api.late import LateRoutes, load_rest
from llm_calc.api.mcp_http import PATH, McpOverHttp
from llm_calc.api.metrics import Metrics
from llm_calc.api.middleware import BodyLimit, TimeLimit
from llm_calc.api.observe import Observe
from llm_calc.api.openapi import DESCRIPTION, TAGS, operation_id, set_up_openapi
from llm_calc.api.pages import STATIC, Files, KeptFiles, fingerprint
from llm_calc.api.pools import Pool
from llm_calc.api.routes import calculate, health
from llm_calc.api.settings import Settings
from llm_calc.api.tracing import Traced, tracer_from

COMPRESS_FROM_BYTES = 1024


def create_app(settings: Settings | None = None, *, late: bool = False) -> FastAPI:
    """Return a new application. Without ``settings`` they are read from the environment.

    The catalogs are read here, once and all of them. ``late``: what is not asked first is loaded when it is asked for.

    Raises:
        CatalogError: a file of theirs is wrong; names file and key.
    """
    chosen = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # The first answers need not wait for what only others need.
        loading = None if late else asyncio.get_running_loop().run_in_executor(None, load_rest)
        yield
        if loading is not None:
            await loading
        await app.state.mcp.stop()
        app.state.beside.close()

    app = FastAPI(
        title="llm-calc",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        lifespan=lifespan,
    )
    app.state.catalogs = load_all_catalogs(chosen.catalogs_path)
    app.state.settings = chosen
    app.state.metrics = metrics
    app.state.draining = False
    app.state.kept = Kept()
    _add_work(app, chosen)
    app.state.mcp = McpOverHttp(
        app.state.pools, app.state.beside, app.state.catalogs, chosen.max_body_bytes, chosen.origins
    )
    metrics.watch(app.state.pools.values())
    add_error_handlers(app)
    _add_middleware(app, chosen, metrics)
    (_add_first_routes if late else _add_routes)(app)
    set_up_openapi(app)
    return app


def _add_work(app: FastAPI, settings: Settings) -> None:
    """Where questions are worked on: threads, and a process beside them that ``server.run`` allows."""
    app.state.pools = {
        "light": Pool("light", settings.light_threads, settings.light_waiting),
        "heavy": Pool("heavy", settings.heavy_threads, settings.heavy_waiting, large=True),
    }
    app.state.beside = Beside(settings.catalogs_path)


def _add_middleware(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Wrap the application; the last one added is the outermost."""
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESS_FROM_BYTES, compresslevel=5)
    app.add_middleware(BodyLimit, max_body_bytes=settings.max_body_bytes)
    app.add_middleware(
        TimeLimit, until_start_s=settings.request_time_limit_s, until_end_s=settings.stream_time_limit_s
    )
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["content-type", "x-request-id", "mcp-protocol-version", "mcp-session-id"],
            expose_headers=["x-request-id", "x-total-rows", "retry-after", "etag"],
            max_age=600,
        )
    app.add_middleware(Guard, most_in_flight=settings.max_in_flight, hosts=settings.hosts)
    app.add_middleware(Observe, metrics=metrics)
    tracer = tracer_from()
    if tracer is not None:
        app.add_middleware(Traced, tracer=tracer)


def _add_first_routes(app: FastAPI) -> None:
    """Include the routers that need little; any other route comes with the first request for one."""
    own = list(app.router.routes)

    def add_all() -> None:
        app.router.routes[:] = own
        _add_routes(app)

    app.router.routes.clear()
    for router in (calculate.router, health.router):
        app.include_router(router)
    app.router.routes.append(LateRoutes(app, add_all))


def _add_routes(app: FastAPI) -> None:
    """Include every router and the static files."""
    from llm_calc.api.routers import ROUTERS

    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(Route(PATH, app.state.mcp, name="mcp", include_in_schema=False))
    app.mount(f"/static/{fingerprint()}", KeptFiles(directory=STATIC), name="kept")
    app.mount("/static", Files(directory=STATIC), name="static")
