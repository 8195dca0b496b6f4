"""The routers of the service. To add an endpoint, write a module with a ``router`` and name it here.

What is asked and answered in JSON is better added to ``adapters.operations``: ``planning`` serves all of it.
"""

from fastapi import APIRouter

from llm_calc.api.routes import analysis, calculate, docs, health, lists, page, planning, sweep, version

ROUTERS: tuple[APIRouter, ...] = (
    calculate.router,
    analysis.router,
    planning.router,
    sweep.router,
    lists.router,
    health.router,
    version.router,
    docs.router,
    page.router,
)
