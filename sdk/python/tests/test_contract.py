"""Holds the package against the published contract, and the two clients against each other."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import openclaw
from openclaw._core.decode import _fields, decode
from openclaw.errors import BY_CODE, BY_STATUS

ROOT = Path(__file__).parents[1]
SPEC = ROOT.parents[1] / "spec" / "openapi.yaml"

SCHEMAS: dict[str, list[type[openclaw.Model]]] = {
    "ChatResponse": [openclaw.ChatResponse],
    "Usage": [openclaw.Usage],
    "StartEvent": [openclaw.StartEvent],
    "DeltaEvent": [openclaw.DeltaEvent],
    "DoneEvent": [openclaw.DoneEvent],
    "Session": [openclaw.Session],
    "SessionList": [openclaw.SessionPage],
    "Message": [openclaw.Message],
    "History": [openclaw.HistoryPage],
    "Status": [openclaw.Status],
    "ErrorDetail": [openclaw.MessageError],
}
EXAMPLES: dict[str, type[openclaw.Model]] = {
    "/api/v1/chat post": openclaw.ChatResponse,
    "/api/v1/sessions get": openclaw.SessionPage,
    "/api/v1/sessions/{key} get": openclaw.Session,
    "/api/v1/sessions/{key}/history get": openclaw.HistoryPage,
    "/api/v1/status get": openclaw.Status,
}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return yaml.safe_load(SPEC.read_text(encoding="utf-8"))


def operations_of(*classes: type) -> dict[str, list[str]]:
    """The methods of each operation, by what their docstrings say."""
    found: dict[str, list[str]] = {}
    for cls in classes:
        for name, method in inspect.getmembers(cls, inspect.isfunction):
            for operation in re.findall(r"Operation: (\w+)\n", inspect.getdoc(method) or ""):
                found.setdefault(operation, []).append(f"{cls.__name__.removeprefix('Async')}.{name}")
    return found


def test_every_operation_has_a_method(spec: dict[str, Any]) -> None:
    published = {
        operation["operationId"]
        for path in spec["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    assert published
    sync = operations_of(openclaw.OpenClaw, openclaw.Sessions, openclaw.Messages)
    assert set(sync) == published
    assert operations_of(openclaw.AsyncOpenClaw, openclaw.AsyncSessions, openclaw.AsyncMessages) == sync


@pytest.mark.parametrize("name", ["OpenClaw", "Sessions", "Messages", "Stream"])
def test_the_two_clients_have_the_same_methods(name: str) -> None:
    def methods(cls: type) -> dict[str, list[tuple[str, Any, Any]]]:
        return {
            name: [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]
            for name, method in inspect.getmembers(cls, inspect.isfunction)
            if not name.startswith("_")
        }

    assert methods(getattr(openclaw, name)) == methods(getattr(openclaw, f"Async{name}")) != {}


def test_the_blocking_client_is_what_the_other_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import generate_sync  # noqa: PLC0415 # scripts are no package

    monkeypatch.delitem(sys.modules, "generate_sync")
    assert (ROOT / "src/openclaw/_sync.py").read_text(encoding="utf-8") == generate_sync.generate()


def test_every_field_has_an_attribute(spec: dict[str, Any]) -> None:
    for schema, classes in SCHEMAS.items():
        properties = spec["components"]["schemas"][schema]["properties"]
        for cls in classes:
            known = {field.wire for field in _fields(cls)}
            beyond = {"sessionKey"} if cls is openclaw.Message else set()  # of MessageView
            assert known - beyond == set(properties), schema


def test_only_required_fields_are_required(spec: dict[str, Any]) -> None:
    """A field that the contract lets be absent must have a default, or a gateway that keeps the contract is refused."""
    for schema, classes in SCHEMAS.items():
        required = set(spec["components"]["schemas"][schema].get("required", []))
        for cls in classes:
            assert {field.wire for field in _fields(cls) if not field.optional} <= required, schema


@pytest.mark.parametrize("where", EXAMPLES)
def test_the_contracts_examples_survive_a_round_trip(spec: dict[str, Any], where: str) -> None:
    path, method = where.split()
    example = spec["paths"][path][method]["responses"]["200"]["content"]["application/json"]["example"]
    assert decode(EXAMPLES[where], example).to_dict() == example


def test_every_code_has_a_class(spec: dict[str, Any]) -> None:
    assert set(BY_CODE) == set(spec["components"]["schemas"]["ErrorCode"]["enum"])


def test_status_and_code_agree(spec: dict[str, Any]) -> None:
    """What goes by the status alone must be caught by whoever catches what goes by the code."""
    table = re.findall(r"\| ([A-Z_]+) \| ([\d, ]+) \|", spec["components"]["schemas"]["ErrorCode"]["description"])
    assert len(table) == len(BY_CODE)
    for code, statuses in table:
        for status in map(int, statuses.split(",")):
            if status != 502:
                assert issubclass(BY_CODE[code], BY_STATUS[status])


def test_the_tree_of_errors_is_as_drawn() -> None:
    drawing = re.search(r"```text\n(.*?)```", openclaw.errors.__doc__ or "", re.DOTALL)
    assert drawing
    ancestors: list[type[Exception]] = [Exception]
    drawn: set[str] = set()
    for line in drawing[1].splitlines():
        match = re.match(r"([│├└─ ]*)(\w+Error)\b", line)
        assert match, line
        depth = len(match[1]) // 4 + 1
        cls = getattr(openclaw, match[2])
        assert cls.__bases__[0] is ancestors[depth - 1], line
        ancestors[depth:] = [cls]
        drawn.add(match[2])
    assert drawn == set(openclaw.errors.__all__)


def test_all_that_is_public_is_described() -> None:
    for name in openclaw.__all__:
        member = getattr(openclaw, name)
        if not inspect.isclass(member):
            continue
        assert inspect.getdoc(member), name
        doc = inspect.getdoc(member) or ""
        if dataclasses.is_dataclass(member):
            own = {f.name for f in dataclasses.fields(member)} - ({"extra"} if name != "Model" else set())
            assert {f for f in own if not re.search(rf"^ +{f}: ", doc, re.MULTILINE)} == set(), name
        for method_name, method in inspect.getmembers(member, inspect.isfunction):
            if method_name.startswith("_") or method.__module__.split(".")[0] != "openclaw":
                continue
            text = inspect.getdoc(method) or ""
            assert text, f"{name}.{method_name}"
            parameters = [p for p in inspect.signature(method).parameters if p != "self"]
            if "Operation:" in text:
                missing = [p for p in parameters if f"    {p}: " not in text]
                assert missing == [], f"{name}.{method_name}"
                assert "Raises:" in text
