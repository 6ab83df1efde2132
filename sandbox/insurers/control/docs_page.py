"""The control API's page to read and try. Script and style come from a package of ours: it works without internet."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

_PACKAGE: Final = "fastapi_swagger"
_ICON: Final = "data:,"


def add_page(app: FastAPI) -> None:
    """`/docs`, wherever the app is mounted."""
    app.mount("/docs/files", StaticFiles(directory=_files()), name="docs-files")

    @app.get("/docs", include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        root: str = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{root}/docs/files/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/files/swagger-ui.css",
            swagger_favicon_url=_ICON,
            swagger_ui_parameters={"tryItOutEnabled": True, "defaultModelsExpandDepth": 0},
        )


def _files() -> Path:
    """The folder with script and style. The package is not imported: it is there for its files."""
    package = find_spec(_PACKAGE)
    assert package is not None  # noqa: S101 - it is among our dependencies
    assert package.origin is not None  # noqa: S101
    return Path(package.origin).parent / "resources"
