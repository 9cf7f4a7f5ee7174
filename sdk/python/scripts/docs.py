"""Write the API documentation, as HTML, into site/ or the folder named.

python scripts/docs.py [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pdoc
import pdoc.render

import openclaw.models

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Write the documentation and tell where."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    # Annotations that are inherited from a private module are looked up in the module that inherits them.
    openclaw.models.__dict__["Mapping"] = Mapping
    pdoc.render.configure(docformat="google")
    pdoc.pdoc("openclaw", output_directory=folder)
    sys.stdout.write(f"{folder / 'index.html'}\n")


if __name__ == "__main__":
    main()
