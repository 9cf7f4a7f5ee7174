import type { ErrorCode, ErrorDetail, ModelErrorReason } from './types.js';

/**
 * The base of every error that the SDK throws:
 *
 * ```text
 * OpenClawError
 * ├── APIError                    the gateway answered with an error; branch on its code
 * │   ├── InvalidRequestError     INVALID_REQUEST, 400
 * │   ├── AuthenticationError     UNAUTHORIZED, 401
 * │   ├── PermissionDeniedError   FORBIDDEN, 403
 * │   ├── NotFoundError           NOT_FOUND, 404
 * │   ├── ConflictError           SESSION_BUSY, SESSION_DELETED, CANCELLED, 409
 * │   ├── IdempotencyError        IDEMPOTENCY_KEY_REUSED, 422
 * │   ├── RateLimitError          RATE_LIMITED, 429
 * │   ├── InternalServerError     INTERNAL_ERROR, 500
 * │   ├── ModelError              MODEL_ERROR, 502; see its reason
 * │   └── UnavailableError        UNAVAILABLE, 503
 * ├── APIConnectionError          no answer, or not the whole of it
 * │   └── APITimeoutError         no answer in time
 * ├── IncompleteStreamError       a stream ended before the answer did
 * └── InvalidArgumentError        nothing was sent, for what the call was given cannot be sent
 * ```
 *
 * A call that is ended through its `signal` throws the signal's `reason` instead, as `fetch` does.
 */
export class OpenClawError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    // Said outright, here and below, because minifiers rename classes.
    this.name = 'OpenClawError';
  }
}

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
    this.name = 'APIError';
    this.status = fields.status;
    this.code = fields.code;
    this.reason = fields.reason;
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
    this.headers = fields.headers;
  }
}

/** 400: the message names the field and the rule. */
export class InvalidRequestError extends APIError {}
/** 401: the token is missing or not one of the gateway's. */
export class AuthenticationError extends APIError {}
/** 403: the token lacks a permission, which the message names. */
export class PermissionDeniedError extends APIError {}
/** 404: no such session, message or route. */
export class NotFoundError extends APIError {}
/** 409: the session's queue is full, or the session was deleted or the answer cancelled meanwhile; see `code`. */
export class ConflictError extends APIError {}
/** 422: the idempotency key has been used with another message. */
export class IdempotencyError extends APIError {}
/** 429: too many requests with this token; `retryAfter` says how many seconds to wait. */
export class RateLimitError extends APIError {}
/** 500: a defect of the gateway, whose log has the cause under `requestId`. */
export class InternalServerError extends APIError {}
/** 502: no model gave a whole answer, though the gateway has tried all it has; `reason` says why. */
export class ModelError extends APIError {}
/** 503: the gateway is shutting down, or its storage is full or locked. */
export class UnavailableError extends APIError {}

/** The gateway could not be reached, or the connection broke before the answer was whole. `cause` says why. */
export class APIConnectionError extends OpenClawError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'APIConnectionError';
  }
}

/** The gateway took longer than `timeout`. */
export class APITimeoutError extends APIConnectionError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'APITimeoutError';
  }
}

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
    this.name = 'IncompleteStreamError';
    this.messageId = options.messageId;
    this.lastSeq = options.lastSeq;
  }
}

/** The call, or the client, was given something that cannot be sent. Nothing was. */
export class InvalidArgumentError extends OpenClawError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InvalidArgumentError';
  }
}

interface Kind {
  readonly name: string;
  readonly type: new (fields: APIErrorFields) => APIError;
  readonly codes: readonly string[];
  readonly status: number;
}

const kinds: readonly Kind[] = [
  { name: 'InvalidRequestError', type: InvalidRequestError, codes: ['INVALID_REQUEST'], status: 400 },
  { name: 'AuthenticationError', type: AuthenticationError, codes: ['UNAUTHORIZED'], status: 401 },
  { name: 'PermissionDeniedError', type: PermissionDeniedError, codes: ['FORBIDDEN'], status: 403 },
  { name: 'NotFoundError', type: NotFoundError, codes: ['NOT_FOUND'], status: 404 },
  { name: 'ConflictError', type: ConflictError, codes: ['SESSION_BUSY', 'SESSION_DELETED', 'CANCELLED'], status: 409 },
  { name: 'IdempotencyError', type: IdempotencyError, codes: ['IDEMPOTENCY_KEY_REUSED'], status: 422 },
  { name: 'RateLimitError', type: RateLimitError, codes: ['RATE_LIMITED'], status: 429 },
  { name: 'InternalServerError', type: InternalServerError, codes: ['INTERNAL_ERROR'], status: 500 },
  { name: 'ModelError', type: ModelError, codes: ['MODEL_ERROR'], status: 502 },
  { name: 'UnavailableError', type: UnavailableError, codes: ['UNAVAILABLE'], status: 503 },
];

/**
 * Makes the error that fits: by code where there is one, by status otherwise. A proxy's page is judged by its status, so
 * that a program can treat its 503 as it treats the gateway's.
 *
 * @internal
 */
export function apiError(fields: APIErrorFields): APIError {
  const { code, status } = fields;
  const kind = kinds.find((k) => (code === undefined ? k.status === status : k.codes.includes(code)));
  const error = new (kind?.type ?? APIError)(fields);
  error.name = kind?.name ?? 'APIError';
  return error;
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
