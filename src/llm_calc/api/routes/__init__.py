"""The routers of the service. To add an endpoint, write a module with a ``router`` and name it here."""

from fastapi import APIRouter

from llm_calc.api.routes import (
    analysis,
    calculate,
    calibrate,
    compare,
    docs,
    health,
    inspect,
    memory,
    page,
    plans,
    serving,
    sweep,
)

ROUTERS: tuple[APIRouter, ...] = (
    calculate.router,
    analysis.router,
    inspect.router,
    memory.router,
    serving.router,
    plans.router,
    compare.router,
    sweep.router,
    calibrate.router,
    health.router,
    docs.router,
    page.router,
)
