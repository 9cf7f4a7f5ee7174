"""Builds what is published, installs it into an empty environment, and runs there what the README shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from gateway import TOKEN, Gateway

import openclaw

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(*command: str | Path, environment: dict[str, str] | None = None, folder: Path | None = None) -> str:
    done = subprocess.run(
        command, env=os.environ | (environment or {}), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert environment is None or done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def python(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", next(dist.glob("*.whl")))
    return python


def test_the_wheel_has_all_it_needs_and_nothing_else(dist: Path) -> None:
    with zipfile.ZipFile(dist / f"openclaw-{openclaw.__version__}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"openclaw-{openclaw.__version__}.dist-info/METADATA").decode()
    files = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src/openclaw").rglob("*") if path.is_file()}
    sources = {name for name in files if not name.endswith(".pyc")}
    assert {"openclaw/py.typed", "openclaw/_core/operations.py"} < sources
    info = f"openclaw-{openclaw.__version__}.dist-info/"
    assert names == sources | {info + name for name in ("METADATA", "WHEEL", "RECORD", "licenses/LICENSE")}
    assert re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE) == ["httpx<1,>=0.27"]
    assert README in metadata


def test_the_sdist_has_the_licence_and_the_changes(dist: Path) -> None:
    with tarfile.open(dist / f"openclaw-{openclaw.__version__}.tar.gz") as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "src/openclaw/py.typed"} <= names


def test_the_changes_are_those_of_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", changelog, re.MULTILINE)[0] == openclaw.__version__


def test_the_quick_start(python: Path, tmp_path: Path) -> None:
    outputs = [run_block(python, block, tmp_path) for block in BLOCKS[:2]]
    said = "user: Hello, OpenClaw!\nassistant: 1 2 \nuser: Write a short poem\nassistant: 1 2 3 4 \n"
    assert outputs == ["1 2 \n1 2 3 4 \n" + said, "1 2 3 4 \n"]


@pytest.mark.parametrize("block", BLOCKS[2:])
def test_the_rest_of_the_readme(python: Path, tmp_path: Path, block: str) -> None:
    assert run_block(python, block, tmp_path) == ""


def run_block(python: Path, block: str, folder: Path) -> str:
    """Run a block of the README as it stands, but for the port."""
    with Gateway() as gateway:
        environment = {"OPENCLAW_BASE_URL": gateway.url, "OPENCLAW_API_KEY": TOKEN, "PYTHONPATH": ""}
        code = block.replace("http://localhost:3000", gateway.url)
        return run(python, "-I", "-W", "error", "-c", code, environment=environment, folder=folder)


def test_the_installed_package_is_the_wheels(python: Path, tmp_path: Path) -> None:
    where = run(python, "-I", "-c", "import openclaw; print(openclaw.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(python.parents[1])
    listed = run(python, "-m", "pip", "list", "--format", "freeze", folder=tmp_path)
    assert f"openclaw=={openclaw.__version__}" in listed.splitlines()


def test_the_documentation_can_be_written(tmp_path: Path) -> None:
    run(sys.executable, "-W", "error::UserWarning", ROOT / "scripts" / "docs.py", tmp_path)
    page = (tmp_path / "openclaw.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in page for name in ("OpenClaw", "AsyncOpenClaw", "RateLimitError", "DeltaEvent"))
