"""The service with one more endpoint: it validates a calculation and returns an answer made beforehand."""

from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.adapters.wire.documented_responses import CalculateResponse
from llm_calc.api.app import create_app
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.server import run
from llm_calc.api.settings import Settings

READY_MADE = "/bench/ready_made"
REQUEST = {"model_name": "llama2-7b", "gpu": "a100-80gb", "seq_length": 2048, "batch_size": 1}


def bench_app() -> FastAPI:
    """Return the application with ``READY_MADE`` beside ``/api/calculate``."""
    app = create_app()
    with TestClient(app) as client:
        answer = client.post("/api/calculate", json=REQUEST).raise_for_status().content
    router = new_router("bench")

    @router.post(READY_MADE, response_model=CalculateResponse)
    async def ready_made(request: CalculateRequest, catalogs: CatalogsDep) -> Response:
        """Return the answer for ``REQUEST`` whatever is asked."""
        assert request.model_name == REQUEST["model_name"]
        assert catalogs.gpus
        return Response(answer, media_type="application/json")

    app.include_router(router)
    return app


if __name__ == "__main__":
    run(bench_app(), Settings(port=0))
