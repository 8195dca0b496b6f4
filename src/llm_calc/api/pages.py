"""HTML pages and their files: all served by the process, held to that by a content security policy.

The calculator's own files are addressed under a fingerprint of their contents, so that browsers may keep them for ever
and a page never mixes the files of two versions.
"""

import hashlib
from functools import cache
from pathlib import Path
from string import Template

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from llm_calc.adapters.catalog import Catalogs

STATIC = Path(__file__).with_name("static")

# Inline styles are allowed because Swagger UI sets them; all else comes from the service itself.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
FOR_A_WHILE = "public, max-age=300"
FOR_EVER = "public, max-age=31536000, immutable"
CALCULATOR_FOLDERS = ("page", "vendor/page")


class KeptFiles(StaticFiles):
    """Static files under an address that changes with their contents: browsers need not ask for them again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file with the header that lets browsers keep it."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = FOR_EVER
        return response


class Files(StaticFiles):
    """Static files under lasting addresses: kept for some minutes, then asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file with the header that says so."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = FOR_A_WHILE
        return response


PAGE_METHODS = ["GET", "HEAD"]
"""How pages may be asked for; HEAD answers the headers alone."""


def _modules() -> list[Path]:
    """Every script of the calculator, third-party ones included."""
    return sorted(path for folder in CALCULATOR_FOLDERS for path in (STATIC / folder).glob("*.js"))


@cache
def fingerprint() -> str:
    """Return twelve hexadecimal digits that change with any file of the calculator."""
    digest = hashlib.sha256()
    for path in [*_modules(), STATIC / "page/page.css", STATIC / "favicon.svg"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def calculator_html(catalogs: Catalogs) -> str:
    """The page with the addresses of its files, what a link means where it is silent, and what it offers for choice."""
    from llm_calc.adapters.page_lists import page_table_text

    static = f"static/{fingerprint()}"
    preloads = [
        f'    <link rel="modulepreload" href="{static}/{path.relative_to(STATIC).as_posix()}">'
        for path in _modules()
    ]
    template = Template((STATIC / "page/index.html").read_text(encoding="utf-8"))
    links = page_table_text(catalogs).replace("<", "\\u003c")
    return template.substitute(static=static, preloads="\n".join(preloads), links=links)
