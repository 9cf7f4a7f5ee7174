"""Run all checks, and stop at the first that fails.

python scripts/check.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHECKS = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["pyright"],
    ["pyright", "--verifytypes", "openclaw", "--ignoreexternal"],
    ["pytest"],
]


def main() -> None:
    """Run the checks with this interpreter's tools."""
    # pyright looks at the packages of whatever `python` comes first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    for module, *arguments in CHECKS:
        sys.stdout.write(f"$ {' '.join([module, *arguments])}\n")
        sys.stdout.flush()
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, env={**os.environ, "PATH": path}, check=False
        )
        if done.returncode:
            sys.exit(done.returncode)


if __name__ == "__main__":
    main()
