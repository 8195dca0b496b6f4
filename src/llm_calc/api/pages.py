"""HTML pages and their files: all served by the process, held to that by a content security policy."""

from pathlib import Path

from starlette.responses import FileResponse

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


PAGE_METHODS = ["GET", "HEAD"]
"""How pages may be asked for; HEAD answers the headers alone."""


def page(name: str) -> FileResponse:
    """Return a page of the ``static`` folder with the headers of all pages."""
    return FileResponse(STATIC / name, headers=PAGE_HEADERS, media_type="text/html; charset=utf-8")
