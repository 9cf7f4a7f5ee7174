"""Run all checks, and stop at the first that fails.

python scripts/check.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHECKS = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    # Without a path pyright looks for the packages of whatever `python` comes first in PATH.
    ["pyright", "--pythonpath", sys.executable],
    ["pyright", "--pythonpath", sys.executable, "--verifytypes", "openclaw", "--ignoreexternal"],
    ["pytest"],
]


def main() -> None:
    """Run the checks with this interpreter's tools."""
    for module, *arguments in CHECKS:
        sys.stdout.write(f"$ {' '.join([module, *arguments])}\n")
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=False)
        if done.returncode:
            sys.exit(done.returncode)


if __name__ == "__main__":
    main()
