"""What can go wrong.

```text
OpenClawError
├── APIError                          an answer that is an error; branch on the class or on .code
│   ├── InvalidRequestError           400 INVALID_REQUEST
│   ├── AuthenticationError           401 UNAUTHORIZED
│   ├── PermissionDeniedError         403 FORBIDDEN
│   ├── NotFoundError                 404 NOT_FOUND
│   ├── MethodNotAllowedError         405 METHOD_NOT_ALLOWED
│   ├── RequestTimeoutError           408 REQUEST_TIMEOUT
│   ├── ConflictError                 409
│   │   ├── SessionBusyError              SESSION_BUSY
│   │   ├── SessionDeletedError           SESSION_DELETED
│   │   └── AnswerCancelledError          CANCELLED
│   ├── PayloadTooLargeError          413 PAYLOAD_TOO_LARGE
│   ├── UnsupportedMediaTypeError     415 UNSUPPORTED_MEDIA_TYPE
│   ├── MisdirectedRequestError       421 MISDIRECTED_REQUEST
│   ├── IdempotencyKeyReusedError     422 IDEMPOTENCY_KEY_REUSED
│   ├── RateLimitError                429 RATE_LIMITED
│   ├── InternalServerError           500 INTERNAL_ERROR
│   ├── ModelError                    502 MODEL_ERROR; .reason says why
│   └── UnavailableError              503 UNAVAILABLE
├── APIConnectionError                no answer, or not the whole of it
│   └── APITimeoutError               ... within the time allowed
├── IncompleteStreamError             a stream ended before the answer did and could not be taken up again
└── InvalidArgumentError              nothing was sent; also a ValueError
```

The class of an `APIError` goes by the code in the answer's body, and where that is missing or unknown by the status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import RateLimit

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AnswerCancelledError",
    "AuthenticationError",
    "ConflictError",
    "IdempotencyKeyReusedError",
    "IncompleteStreamError",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidRequestError",
    "MethodNotAllowedError",
    "MisdirectedRequestError",
    "ModelError",
    "NotFoundError",
    "OpenClawError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestTimeoutError",
    "SessionBusyError",
    "SessionDeletedError",
    "UnavailableError",
    "UnsupportedMediaTypeError",
]


class OpenClawError(Exception):
    """Base of all errors that this package raises."""


class APIError(OpenClawError):
    """An answer that is an error: the gateway's own, or that of a proxy in front of it.

    Attributes:
        status: HTTP status; None for an error that came as an event of a stream.
        code: Class of the failure, such as `"RATE_LIMITED"`; None where the gateway did not write the answer.
        message: One sentence for people, saying what to do where that is known.
        reason: Why no model answered, such as `"overloaded"`; of a `ModelError` only.
        retry_after: Seconds to wait before another try; None where waiting does not help or is not known to.
        request_id: Finds the request in the gateway's log.
        rate_limit: Where the token stands; None where the answer did not tell.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        reason: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.reason = reason
        self.retry_after = retry_after
        self.request_id = request_id
        self.rate_limit = rate_limit

    def __str__(self) -> str:
        """All that is known, in one line."""
        text = self.message
        if self.code:
            text = f"{self.code} ({self.reason}): {text}" if self.reason else f"{self.code}: {text}"
        if self.retry_after is not None:
            text += f" [try again in {self.retry_after:g} s]"
        if self.request_id:
            text += f" [request {self.request_id}]"
        return text

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by attributes: the default would pass on the message alone."""
        return (_rebuild, (type(self), self.message, self.__dict__))


def _rebuild(cls: type[APIError], message: str, attributes: dict[str, object]) -> APIError:
    error = cls(message)
    error.__dict__.update(attributes)
    return error


class InvalidRequestError(APIError):
    """The gateway does not accept this request; the message names the field and the rule."""


class AuthenticationError(APIError):
    """The token is missing or unknown to the gateway."""


class PermissionDeniedError(APIError):
    """The token lacks a permission, which the message names."""


class NotFoundError(APIError):
    """No such session, message or route, or it belongs to another workspace."""


class MethodNotAllowedError(APIError):
    """The route does not know this method: the gateway is older than this call, or the base URL is another's."""


class RequestTimeoutError(APIError):
    """The request took too long to reach the gateway."""


class ConflictError(APIError):
    """The session cannot take the message now. Base of the three errors that say why."""


class SessionBusyError(ConflictError):
    """Too many messages wait in this session already."""


class SessionDeletedError(ConflictError):
    """The session was deleted while the message waited or was answered."""


class AnswerCancelledError(ConflictError):
    """The answer was cancelled while the message waited or was answered."""


class PayloadTooLargeError(APIError):
    """The request is larger than the gateway accepts."""


class UnsupportedMediaTypeError(APIError):
    """The request's body did not arrive as JSON: something between here and the gateway changed it."""


class MisdirectedRequestError(APIError):
    """The gateway does not answer to the host in the base URL; the message names the setting that allows it."""


class IdempotencyKeyReusedError(APIError):
    """The idempotency key was used before, with another message."""


class RateLimitError(APIError):
    """The token has used up its requests; waiting `retry_after` seconds suffices."""


class InternalServerError(APIError):
    """A defect of the gateway. Its log has the cause under `request_id`."""


class ModelError(APIError):
    """No model gave a whole answer, after the gateway's own retries and fallbacks; `reason` says why."""


class UnavailableError(APIError):
    """The gateway is shutting down, or its storage is full or locked."""


class APIConnectionError(OpenClawError):
    """The gateway could not be reached, or the connection broke before its answer was whole."""


class APITimeoutError(APIConnectionError):
    """The gateway was silent for longer than `timeout` allows."""


class IncompleteStreamError(OpenClawError):
    """A stream ended without its last event and could not be taken up again. What has been received is incomplete.

    Attributes:
        message_id: Of the answer, "" where its start was not seen. `client.messages.get` tells what became of it.
        last_event_id: Of the last event received; `client.messages.stream(message_id, after=last_event_id)` goes on
            from there. 0 where none was received.
    """

    def __init__(self, message: str, message_id: str = "", last_event_id: int = 0) -> None:
        super().__init__(message, message_id, last_event_id)
        self.message_id = message_id
        self.last_event_id = last_event_id

    def __str__(self) -> str:
        """Why the stream ended."""
        return str(self.args[0])


class InvalidArgumentError(OpenClawError, ValueError):
    """A call, or a client, could not be made of the arguments given. Nothing was sent."""


BY_CODE: dict[str, type[APIError]] = {
    "INVALID_REQUEST": InvalidRequestError,
    "UNAUTHORIZED": AuthenticationError,
    "FORBIDDEN": PermissionDeniedError,
    "NOT_FOUND": NotFoundError,
    "METHOD_NOT_ALLOWED": MethodNotAllowedError,
    "REQUEST_TIMEOUT": RequestTimeoutError,
    "SESSION_BUSY": SessionBusyError,
    "SESSION_DELETED": SessionDeletedError,
    "CANCELLED": AnswerCancelledError,
    "PAYLOAD_TOO_LARGE": PayloadTooLargeError,
    "UNSUPPORTED_MEDIA_TYPE": UnsupportedMediaTypeError,
    "MISDIRECTED_REQUEST": MisdirectedRequestError,
    "IDEMPOTENCY_KEY_REUSED": IdempotencyKeyReusedError,
    "RATE_LIMITED": RateLimitError,
    "INTERNAL_ERROR": InternalServerError,
    "MODEL_ERROR": ModelError,
    "UNAVAILABLE": UnavailableError,
}

# 502 is missing on purpose: without a code it is a proxy's word about the gateway, not the gateway's about a model.
BY_STATUS: dict[int, type[APIError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    408: RequestTimeoutError,
    409: ConflictError,
    413: PayloadTooLargeError,
    415: UnsupportedMediaTypeError,
    421: MisdirectedRequestError,
    422: IdempotencyKeyReusedError,
    429: RateLimitError,
    431: InvalidRequestError,
    500: InternalServerError,
    503: UnavailableError,
}
