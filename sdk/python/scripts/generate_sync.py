"""Write the blocking client, src/openclaw/_sync.py, from the one to await, src/openclaw/_async.py.

They differ in nothing but waiting, so the blocking one is the other with the waiting taken out. A test fails where the
file is not what this would write.

    python scripts/generate_sync.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "openclaw"

HEADER = '''"""The blocking client. Made from _async.py by scripts/generate_sync.py: change it there."""
'''

REPLACEMENTS = [
    (r"\A\"\"\".*?\"\"\"\n", HEADER),
    (r"_async_runner", "_sync_runner"),
    (r"\ban `async ", "a `"),
    (r"\b(async|await) ", ""),
    (r"\bAsync(?=[A-Z])", ""),
    (r"__a(enter|exit|iter|next)__", r"__\1__"),
    (r"\banext\(", "next("),
    (r"\baclose\(", "close("),
]


def generate() -> str:
    """Return the blocking client's source."""
    source = (PACKAGE / "_async.py").read_text(encoding="utf-8")
    for pattern, replacement in REPLACEMENTS:
        source = re.sub(pattern, replacement, source, flags=re.DOTALL)
    return _ruff(["format"], _ruff(["check", "--fix", "--select", "I", "--quiet"], source))


def _ruff(arguments: list[str], source: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(PACKAGE / "_sync.py"), "-"]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=True)
    return done.stdout.decode()


if __name__ == "__main__":
    (PACKAGE / "_sync.py").write_text(generate(), encoding="utf-8")
