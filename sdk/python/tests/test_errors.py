"""What failures become: which error, with what text, and whether another try is made."""

from __future__ import annotations

import pickle
import ssl
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import httpx
import pytest
from mocked import DELTA, START, STATUS, client_of
from scripted import ScriptedServer

import openclaw
from openclaw import OpenClaw
from openclaw._http import broken


def test_retry_after_as_a_date_as_proxies_send_it() -> None:
    waits: list[float] = []

    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, headers={"Retry-After": format_datetime(at, usegmt=True)})

    at = datetime.now(timezone.utc) + timedelta(hours=1)
    client = client_of(handler)
    client._runner.sleep = waits.append
    with pytest.raises(openclaw.UnavailableError) as caught:
        client.status()
    assert caught.value.retry_after == pytest.approx(3600, abs=5)
    assert waits == []
    at = datetime.now(timezone.utc) - timedelta(hours=1)
    with pytest.raises(openclaw.UnavailableError) as caught:
        client.status()
    assert caught.value.retry_after is None
    assert len(waits) == 2


@pytest.mark.parametrize("value", ["soon", "", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "1 2 3 4 5"])
def test_retry_after_that_is_no_time(value: str) -> None:
    with pytest.raises(openclaw.UnavailableError) as caught:
        client_of(lambda _: httpx.Response(503, headers={"Retry-After": value})).status()
    assert caught.value.retry_after is None


def test_results_and_errors_tell_the_rate_limit() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        limits = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1707388800"}
        return httpx.Response(429 if "chat" in request.url.path else 200, headers=limits, json=STATUS)

    client = client_of(handler, max_retries=0)
    with pytest.raises(openclaw.RateLimitError) as caught:
        client.chat("Hi")
    assert caught.value.rate_limit == client.status().meta.rate_limit != None  # noqa: E711 # of three


def test_the_text_of_an_error_says_all() -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        error = {"code": "MODEL_ERROR", "message": "Too much to do.", "reason": "overloaded", "retryAfter": 10}
        return httpx.Response(502, headers={"x-request-id": "req_A"}, json={"error": error})

    with pytest.raises(openclaw.ModelError) as caught:
        client_of(handler).chat("Hi")
    text = "MODEL_ERROR (overloaded): Too much to do. [try again in 10 s] [request req_A]"
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value))) == text


def test_an_error_that_is_no_gateways_says_so() -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            308, headers={"location": "https://h/", "content-type": "text/html; charset=x"}, text="<p>"
        )

    with pytest.raises(openclaw.APIError) as caught:
        client_of(handler).status()
    text = "HTTP 308 Permanent Redirect, but not from an OpenClaw gateway: it answered with text/html"
    assert str(caught.value) == f"{text}; it points to 'https://h/', so check base_url"


def test_a_connection_error_names_the_address_and_the_cause() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)

    with pytest.raises(openclaw.APIConnectionError, match=r"nobody there; is a gateway running at http://h:1/x\?") as e:
        client_of(handler, base_url="http://h:1/x/api/v1").status()
    assert isinstance(e.value.__cause__, httpx.ConnectError)


def test_an_incomplete_stream_says_where_to_go_on() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            raise httpx.ReadError("gone", request=request)
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=START + DELTA)

    with pytest.raises(openclaw.IncompleteStreamError, match=r"gone; messages.get\('msg_1'\)") as caught:
        list(client_of(handler).stream("Hi"))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.message_id, copy.last_event_id, str(copy)) == ("msg_1", 2, str(caught.value))


@pytest.mark.parametrize(
    ("error", "retryable", "timeout"),
    [
        (httpx.ConnectError("x"), True, False),
        (httpx.ReadError(""), True, False),
        (httpx.RemoteProtocolError("x"), True, False),
        (httpx.ConnectTimeout("x"), True, True),
        (httpx.ReadTimeout("x"), False, True),
        (httpx.PoolTimeout("x"), False, True),
        (httpx.LocalProtocolError("x"), False, False),
        (httpx.UnsupportedProtocol("x"), False, False),
        (httpx.DecodingError("x"), False, False),
    ],
)
def test_which_failures_another_try_may_mend(error: httpx.RequestError, retryable: bool, timeout: bool) -> None:
    failure = broken(error)
    assert (failure.retryable, failure.timeout) == (retryable, timeout)
    assert failure.__cause__ is error


def test_a_certificate_does_not_mend_itself() -> None:
    error = httpx.ConnectError("certificate verify failed")
    error.__context__ = ssl.SSLCertVerificationError()
    assert not broken(error).retryable


@pytest.mark.parametrize("text", ["[]", "5", "null", "", '{"a":', "<html>"])
def test_what_is_no_document_is_no_answer(text: str) -> None:
    with pytest.raises(openclaw.APIError, match="not the JSON expected") as caught:
        client_of(lambda _: httpx.Response(200, text=text)).openapi()
    assert (caught.value.status, caught.value.code) == (200, None)


@pytest.mark.parametrize("error", ["5", "[]", '{"code": 5}', '{"code": ""}', '{"message": "x"}', "null"])
def test_what_is_no_envelope_goes_by_its_status(error: str) -> None:
    with pytest.raises(openclaw.PermissionDeniedError) as caught:
        client_of(lambda _: httpx.Response(403, text=f'{{"error": {error}}}')).status()
    assert caught.value.code is None


def test_an_envelope_with_nothing_but_a_code_is_one() -> None:
    with pytest.raises(openclaw.SessionBusyError, match="SESSION_BUSY: The gateway gives no reason"):
        client_of(lambda _: httpx.Response(409, text='{"error": {"code": "SESSION_BUSY", "message": 5}}')).chat("Hi")


def test_an_error_whose_body_is_cut_off_is_still_that_error() -> None:
    exchange = {"response": {"status": 404, "chunks": ['{"error": {"code": "NOT_'], "then": "cut"}}
    with ScriptedServer([exchange]) as server, OpenClaw(base_url=server.url) as client:
        with pytest.raises(openclaw.NotFoundError):
            client.status()
        server.finish()
    assert server.problems == []


def test_json_too_deep_for_python_is_no_answer() -> None:
    with pytest.raises(openclaw.APIError, match="not the JSON expected"):
        client_of(lambda _: httpx.Response(200, text="[" * 200_000)).openapi()
