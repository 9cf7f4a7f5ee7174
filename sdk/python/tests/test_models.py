"""Decoding: what is accepted, what is refused and how that is said."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timezone
from typing import Any

import pytest

import openclaw
from openclaw._core.call import meta_of, seconds
from openclaw._core.decode import decode, parse_time

ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "content": "Hi",
    "sessionKey": "s",
    "model": "m",
    "usage": {"inputTokens": 1, "outputTokens": 0},
    "createdAt": "2026-02-08T10:30:00Z",
}


def test_attributes() -> None:
    answer = decode(openclaw.ChatResponse, ANSWER)
    assert (answer.id, answer.session_key, answer.usage.output_tokens) == ("msg_1", "s", 0)
    assert answer.created_at == datetime(2026, 2, 8, 10, 30, tzinfo=timezone.utc)
    assert answer.meta == openclaw.Meta()
    assert answer.extra == {}


def test_unknown_fields_are_kept() -> None:
    sent = ANSWER | {"mood": {"a": [1]}, "meta": 1, "extra": 2, "usage": ANSWER["usage"] | {"cached": 3}}
    answer = decode(openclaw.ChatResponse, sent)
    assert answer.extra == {"mood": {"a": [1]}, "meta": 1, "extra": 2}
    assert answer.usage.extra == {"cached": 3}
    assert answer.to_dict() == sent


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": None}, "id is missing"),
        ({"id": 5}, "id: int instead of str"),
        ({"usage": []}, "usage: list instead of an object"),
        ({"usage": {"inputTokens": True, "outputTokens": 1}}, "usage: inputTokens: bool instead of int"),
        ({"usage": {"inputTokens": "1", "outputTokens": 1}}, "usage: inputTokens: str instead of int"),
        ({"createdAt": "yesterday"}, "createdAt: 'yesterday' is not a time in RFC 3339"),
        ({"createdAt": 5}, "createdAt: 5 is not a time in RFC 3339"),
    ],
)
def test_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match="^" + complaint + "$"):
        decode(openclaw.ChatResponse, ANSWER | change)


def test_a_list_must_be_one() -> None:
    with pytest.raises(ValueError, match="sessions: dict instead of an array"):
        decode(openclaw.SessionPage, {"sessions": {}})


def test_values_are_frozen_hashable_and_can_be_pickled_and_copied() -> None:
    answer = decode(openclaw.ChatResponse, ANSWER | {"mood": 1})
    with pytest.raises(AttributeError):
        answer.id = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(answer)) == copy.deepcopy(answer) == answer
    assert len({answer, decode(openclaw.ChatResponse, ANSWER | {"mood": 1})}) == 1


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-02-08T10:30:00Z", (2026, 2, 8, 10, 30, 0, 0)),
        ("2026-02-08t10:30:00z", (2026, 2, 8, 10, 30, 0, 0)),
        ("2026-02-08 10:30:00.5Z", (2026, 2, 8, 10, 30, 0, 500000)),
        ("2026-02-08T10:30:00.123456789Z", (2026, 2, 8, 10, 30, 0, 123456)),
        ("2026-02-08T10:30:00.1234567891234Z", (2026, 2, 8, 10, 30, 0, 123456)),
        ("2026-02-08T11:00:00+00:30", (2026, 2, 8, 10, 30, 0, 0)),
        ("2026-12-31T23:59:60Z", (2027, 1, 1, 0, 0, 0, 0)),
    ],
)
def test_times(text: str, time: tuple[int, ...]) -> None:
    parsed = parse_time(text)
    assert parsed == datetime(*time, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]
    assert parsed.utcoffset() == timezone.utc.utcoffset(None)


@pytest.mark.parametrize(
    "text", ["", "2026-02-08", "2026-02-08T10:30:00", "2026-02-30T10:30:00Z", "٢٠٢٦-02-08T10:30:00Z"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|out of range"):
        parse_time(text)


@pytest.mark.parametrize("text", ["2026-02-08T10:30:00Z", "2026-02-08T10:30:00.12Z", "2026-02-08T10:30:00.123456Z"])
def test_times_are_written_as_they_came(text: str) -> None:
    assert decode(openclaw.ChatResponse, ANSWER | {"createdAt": text}).to_dict()["createdAt"] == text


@pytest.mark.parametrize(
    ("value", "wait"),
    [(1, 1.0), (0.5, 0.5), ("7", 7.0), (" 7 ", 7.0), ("7.5", 7.5)]
    + [
        (v, None)
        for v in (0, -1, True, None, "", "0", "-1", "soon", "1e3", "inf", "nan", float("inf"), float("nan"), [])
    ]
    + [("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
def test_times_to_wait(value: object, wait: float | None) -> None:
    assert seconds(value) == wait


@pytest.mark.parametrize("broken", ["", "-1", "1.5", "many", "9" * 30])
def test_rate_limits_are_whole_or_absent(broken: str) -> None:
    headers = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "95", "x-ratelimit-reset": "1707388800"}
    limit = meta_of(headers).rate_limit
    assert limit
    assert (limit.limit, limit.remaining) == (100, 95)
    assert limit.reset == datetime(2024, 2, 8, 10, 40, tzinfo=timezone.utc)
    for name in headers:
        assert meta_of(headers | {name: broken}).rate_limit is None


def test_events_tell_their_type() -> None:
    events: list[openclaw.Event] = [
        openclaw.StartEvent(id="m"),
        openclaw.DeltaEvent(content="x"),
        openclaw.DoneEvent(usage=openclaw.Usage(input_tokens=1, output_tokens=2)),
        openclaw.UnknownEvent(name="thought", data="{}"),
    ]
    assert [event.type for event in events] == ["start", "delta", "done", "unknown"]
