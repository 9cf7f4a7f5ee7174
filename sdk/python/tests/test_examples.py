"""Runs every example as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gateway import TOKEN, Gateway

EXAMPLES = Path(__file__).parents[1] / "examples"
OUTPUTS = {
    "chat": "1 2 3 4 5 6 \n1 2 3 4 5 6 \n[counting-1, 6 tokens, session session_1]\n",
    "stream": "[answer msg_1 in session session_1]\n1 2 3 4 5 6 7 \n[counting-1, 7 tokens]\n",
    "sessions": "session_1: 2 messages, last at 2026-02-08 10:30\nuser: Remember the number 42.\n"
    "assistant: 1 2 3 4 \nsession_1 is gone\n",
    "cancel": "1 2 3 4 5 6 \n[cancelled]\n[incomplete: 12 characters were kept]\n",
    "resume": "1  [left]\n2 3 4 5 6 \n",
}


def environment(gateway: Gateway) -> dict[str, str]:
    return os.environ | {"OPENCLAW_BASE_URL": gateway.url, "OPENCLAW_API_KEY": TOKEN, "PYTHONWARNINGS": "error"}


def test_every_example_is_run() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == {name + kind for name in OUTPUTS for kind in ("", "_async")}


# 2: the gateway cuts each stream after its second event, and the examples do not notice.
@pytest.mark.parametrize("cut_after", [None, 2])
@pytest.mark.parametrize("kind", ["", "_async"])
@pytest.mark.parametrize("name", OUTPUTS)
def test_example(name: str, kind: str, cut_after: int | None) -> None:
    with Gateway(cut_after=cut_after) as gateway:
        done = subprocess.run(
            [sys.executable, EXAMPLES / f"{name}{kind}.py"],
            env=environment(gateway),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.stderr, done.stdout) == ("", OUTPUTS[name])
    if cut_after and name in ("stream", "cancel"):
        assert gateway.requests[1] == "GET /api/v1/messages/msg_1/stream"
