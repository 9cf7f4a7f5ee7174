import type { ErrorCode, ErrorDetail, ModelErrorReason } from './types.js';

/**
 * The base of every error that the SDK throws:
 *
 * ```text
 * OpenClawError
 * ├── APIError                        an answer that is an error; branch on the class or on code
 * │   ├── InvalidRequestError         400 INVALID_REQUEST
 * │   ├── AuthenticationError         401 UNAUTHORIZED
 * │   ├── PermissionDeniedError       403 FORBIDDEN
 * │   ├── NotFoundError               404 NOT_FOUND
 * │   ├── MethodNotAllowedError       405 METHOD_NOT_ALLOWED
 * │   ├── RequestTimeoutError         408 REQUEST_TIMEOUT
 * │   ├── ConflictError               409
 * │   │   ├── SessionBusyError            SESSION_BUSY
 * │   │   ├── SessionDeletedError         SESSION_DELETED
 * │   │   └── AnswerCancelledError        CANCELLED
 * │   ├── PayloadTooLargeError        413 PAYLOAD_TOO_LARGE
 * │   ├── UnsupportedMediaTypeError   415 UNSUPPORTED_MEDIA_TYPE
 * │   ├── MisdirectedRequestError     421 MISDIRECTED_REQUEST
 * │   ├── IdempotencyKeyReusedError   422 IDEMPOTENCY_KEY_REUSED
 * │   ├── RateLimitError              429 RATE_LIMITED
 * │   ├── InternalServerError         500 INTERNAL_ERROR
 * │   ├── ModelError                  502 MODEL_ERROR; reason says why
 * │   └── UnavailableError            503 UNAVAILABLE
 * ├── APIConnectionError              no answer, or not the whole of it
 * │   └── APITimeoutError             no answer in time
 * ├── IncompleteStreamError           a stream ended before the answer did, and could not be taken up again
 * └── InvalidArgumentError            nothing was sent, for what the call was given cannot be
 * ```
 *
 * The class of an {@link APIError} goes by the code in the answer's body and, where that is missing or not known, by the
 * status. A call that is ended through its `signal` throws the signal's `reason` instead, as `fetch` does.
 */
export class OpenClawError extends Error {}

/** What an {@link APIError} is made of. */
export interface APIErrorFields {
  status?: number | undefined;
  code?: ErrorCode | undefined;
  message: string;
  reason?: ModelErrorReason | undefined;
  requestId?: string | undefined;
  retryAfter?: number | undefined;
  headers?: Headers | undefined;
}

/** An answer that is an error: the gateway's own, or that of a proxy before it. */
export class APIError extends OpenClawError {
  /** HTTP status; undefined for an error that came as an event of a stream. */
  readonly status: number | undefined;
  /** What to branch on; undefined where the answer was not the gateway's (a proxy's page, for example). */
  readonly code: ErrorCode | undefined;
  /** Of a `MODEL_ERROR`: why no model gave a whole answer. */
  readonly reason: ModelErrorReason | undefined;
  /** Names the request in the gateway's log. */
  readonly requestId: string | undefined;
  /** Seconds to wait before another try; undefined where waiting does not help or is not known to. */
  readonly retryAfter: number | undefined;
  /** Of the answer. */
  readonly headers: Headers | undefined;

  constructor(fields: APIErrorFields) {
    super(fields.message);
    this.status = fields.status;
    this.code = fields.code;
    this.reason = fields.reason;
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
    this.headers = fields.headers;
  }
}

/** The gateway does not accept this request; the message names the field and the rule. */
export class InvalidRequestError extends APIError {}
/** The token is missing or not one of the gateway's. */
export class AuthenticationError extends APIError {}
/** The token lacks a permission, which the message names. */
export class PermissionDeniedError extends APIError {}
/** There is no such session, message or route. */
export class NotFoundError extends APIError {}
/** The route does not know the method: the gateway is older than this call, or `baseUrl` is another server's. */
export class MethodNotAllowedError extends APIError {}
/** The request took too long to reach the gateway. */
export class RequestTimeoutError extends APIError {}
/** The session is not in a state for this. */
export class ConflictError extends APIError {}
/** Too many messages wait in this session already. */
export class SessionBusyError extends ConflictError {}
/** The session was deleted while the message waited or was answered. */
export class SessionDeletedError extends ConflictError {}
/** The answer was cancelled while the message waited or was answered. */
export class AnswerCancelledError extends ConflictError {}
/** The request is larger than the gateway takes. */
export class PayloadTooLargeError extends APIError {}
/** The request is not what the gateway reads: look for a proxy that changes it. */
export class UnsupportedMediaTypeError extends APIError {}
/** The host in `baseUrl` is not on the gateway's list; the message names the setting. */
export class MisdirectedRequestError extends APIError {}
/** The idempotency key has been used with another message. */
export class IdempotencyKeyReusedError extends APIError {}
/** Too many requests with this token; `retryAfter` says how many seconds to wait. */
export class RateLimitError extends APIError {}
/** A defect of the gateway, whose log has the cause under `requestId`. */
export class InternalServerError extends APIError {}
/** No model gave a whole answer, though the gateway has tried all it has; `reason` says why. */
export class ModelError extends APIError {}
/** The gateway is shutting down, or its storage is full or locked. */
export class UnavailableError extends APIError {}

/** The gateway could not be reached, or the connection broke before the answer was whole. `cause` says why. */
export class APIConnectionError extends OpenClawError {}

/** The gateway took longer than `timeout`. */
export class APITimeoutError extends APIConnectionError {}

/**
 * A stream ended without its last event and could not be taken up again. What has been received is the beginning of an
 * answer; {@link Messages.get} tells what became of it. `cause` says what happened.
 */
export class IncompleteStreamError extends OpenClawError {
  /** Of the assistant's message; undefined where not even the start event was received. */
  readonly messageId: string | undefined;
  /** Number of the last event received, 0 where there was none. */
  readonly lastSeq: number;

  constructor(message: string, options: ErrorOptions & { messageId?: string | undefined; lastSeq: number }) {
    super(message, options);
    this.messageId = options.messageId;
    this.lastSeq = options.lastSeq;
  }
}

/** The call, or the client, was given something that cannot be sent. Nothing was. */
export class InvalidArgumentError extends OpenClawError {}

// Said outright, since minifiers rename classes; and on the prototypes, so that it stands in stack traces.
const all = {
  OpenClawError,
  APIError,
  InvalidRequestError,
  AuthenticationError,
  PermissionDeniedError,
  NotFoundError,
  MethodNotAllowedError,
  RequestTimeoutError,
  ConflictError,
  SessionBusyError,
  SessionDeletedError,
  AnswerCancelledError,
  PayloadTooLargeError,
  UnsupportedMediaTypeError,
  MisdirectedRequestError,
  IdempotencyKeyReusedError,
  RateLimitError,
  InternalServerError,
  ModelError,
  UnavailableError,
  APIConnectionError,
  APITimeoutError,
  IncompleteStreamError,
  InvalidArgumentError,
};
for (const [name, { prototype }] of Object.entries(all)) {
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
}

type APIErrorClass = new (fields: APIErrorFields) => APIError;

const byCode = new Map<string, APIErrorClass>([
  ['INVALID_REQUEST', InvalidRequestError],
  ['UNAUTHORIZED', AuthenticationError],
  ['FORBIDDEN', PermissionDeniedError],
  ['NOT_FOUND', NotFoundError],
  ['METHOD_NOT_ALLOWED', MethodNotAllowedError],
  ['REQUEST_TIMEOUT', RequestTimeoutError],
  ['SESSION_BUSY', SessionBusyError],
  ['SESSION_DELETED', SessionDeletedError],
  ['CANCELLED', AnswerCancelledError],
  ['PAYLOAD_TOO_LARGE', PayloadTooLargeError],
  ['UNSUPPORTED_MEDIA_TYPE', UnsupportedMediaTypeError],
  ['MISDIRECTED_REQUEST', MisdirectedRequestError],
  ['IDEMPOTENCY_KEY_REUSED', IdempotencyKeyReusedError],
  ['RATE_LIMITED', RateLimitError],
  ['INTERNAL_ERROR', InternalServerError],
  ['MODEL_ERROR', ModelError],
  ['UNAVAILABLE', UnavailableError],
]);

const byStatus = new Map<number, APIErrorClass>([
  [400, InvalidRequestError],
  [401, AuthenticationError],
  [403, PermissionDeniedError],
  [404, NotFoundError],
  [405, MethodNotAllowedError],
  [408, RequestTimeoutError],
  [409, ConflictError],
  [413, PayloadTooLargeError],
  [415, UnsupportedMediaTypeError],
  [421, MisdirectedRequestError],
  [422, IdempotencyKeyReusedError],
  [429, RateLimitError],
  [500, InternalServerError],
  [502, ModelError],
  [503, UnavailableError],
]);

/**
 * Makes the error of the class that fits. By status too, so that a program can treat a proxy's 503 as it treats the
 * gateway's.
 *
 * @internal
 */
export function apiError(fields: APIErrorFields): APIError {
  const Class = byCode.get(fields.code ?? '') ?? byStatus.get(fields.status ?? 0) ?? APIError;
  return new Class(fields);
}

/**
 * Reads the gateway's error envelope.
 *
 * @returns undefined where `body` is not one
 * @internal
 */
export function parseEnvelope(body: unknown): ErrorDetail | undefined {
  const detail = (body as { error?: Partial<ErrorDetail> } | null | undefined)?.error;
  if (typeof detail !== 'object' || detail === null || typeof detail.code !== 'string' || detail.code === '') {
    return undefined;
  }
  const { retryAfter } = detail;
  return {
    code: detail.code,
    message: typeof detail.message === 'string' ? detail.message : detail.code,
    ...(typeof detail.reason === 'string' && { reason: detail.reason }),
    ...(typeof retryAfter === 'number' && retryAfter > 0 && { retryAfter }),
  };
}
