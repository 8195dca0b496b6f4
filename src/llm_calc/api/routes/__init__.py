"""The routers of the service. To add an endpoint, write a module with a ``router`` and name it here."""

from fastapi import APIRouter

from llm_calc.api.routes import analysis, calculate, docs, health, inspect, memory, serving

ROUTERS: tuple[APIRouter, ...] = (
    calculate.router,
    analysis.router,
    inspect.router,
    memory.router,
    serving.router,
    health.router,
    docs.router,
)
