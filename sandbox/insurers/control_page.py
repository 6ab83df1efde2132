"""The control API's page to read and try. Its script and style come from here where a package has them, else from a CDN."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

_PACKAGE: Final = "fastapi_swagger"
_SCRIPT: Final = "swagger-ui-bundle.js"
_STYLE: Final = "swagger-ui.css"
_ICON: Final = "data:,"
_CDN: Final = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5"


def add_page(app: FastAPI) -> None:
    """`/docs`, wherever the app is mounted."""
    files = _files()
    if files is not None:
        app.mount("/docs/files", StaticFiles(directory=files), name="docs-files")

    @app.get("/docs", include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        root: str = request.scope.get("root_path", "")
        base = _CDN if files is None else f"{root}/docs/files"
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{base}/{_SCRIPT}",
            swagger_css_url=f"{base}/{_STYLE}",
            swagger_favicon_url=_ICON,
            swagger_ui_parameters={"tryItOutEnabled": True, "defaultModelsExpandDepth": 0},
        )


def _files() -> Path | None:
    """The folder with script and style; None without the package, which is not imported: it is there for its files."""
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "resources"
    return folder if (folder / _SCRIPT).is_file() else None
