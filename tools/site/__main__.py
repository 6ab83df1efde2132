"""`python -m tools.site`: builds the documentation site into `.osago/site/html`; a broken link ends it with exit code 1."""

import os
import subprocess
import sys
from typing import Final

from tools.site.gathering import ROOT, BrokenLink, gather

PAGES: Final = ROOT / ".osago/site/pages"


def main() -> None:
    """Gathers the pages and builds the site of them, with every warning as an error."""
    try:
        gather(PAGES)
    except BrokenLink as broken:
        sys.exit(str(broken))
    build = ("build", "--strict", "--quiet", "--config-file", str(ROOT / "mkdocs.yml"))
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run([sys.executable, "-m", "mkdocs", *build], env=environment, check=False)  # noqa: S603 - of our own
    sys.exit(built.returncode)


if __name__ == "__main__":
    main()
