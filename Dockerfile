# syntax=docker/dockerfile:1
# The steps are also a test, tests/test_package.py, which runs where no container engine is.

FROM python:3.13.9-slim-bookworm AS build
WORKDIR /build
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /app \
    && python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt \
    && /app/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY catalogs catalogs
COPY src src
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
    && /app/bin/pip install --no-cache-dir --no-deps dist/*.whl \
    && /app/bin/pip uninstall --yes pip

FROM python:3.13.9-slim-bookworm
LABEL org.opencontainers.image.title="llm-calc" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    XDG_CACHE_HOME=/app/cache \
    LLM_CALC_HOST=0.0.0.0 \
    LLM_CALC_PORT=8000
RUN ["python", "-c", "from llm_calc.adapters.all_catalogs import load_all_catalogs; load_all_catalogs()"]
USER 65534:65534
WORKDIR /app
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"LLM_CALC_PORT\"]}/readyz', timeout=2)"]
CMD ["llm-calc", "serve"]
