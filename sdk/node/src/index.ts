/**
 * Client of an OpenClaw gateway: chat with the assistant, stream its answers, read and delete sessions. {@link OpenClaw}
 * is where to begin, {@link OpenClawError} draws all errors.
 *
 * @packageDocumentation
 */
export { OpenClaw } from './client.js';
export {
  AnswerCancelledError,
  APIConnectionError,
  APIError,
  type APIErrorFields,
  APITimeoutError,
  AuthenticationError,
  ConflictError,
  IdempotencyKeyReusedError,
  IncompleteStreamError,
  InternalServerError,
  InvalidArgumentError,
  InvalidRequestError,
  MethodNotAllowedError,
  MisdirectedRequestError,
  ModelError,
  NotFoundError,
  OpenClawError,
  PayloadTooLargeError,
  PermissionDeniedError,
  RateLimitError,
  RequestTimeoutError,
  SessionBusyError,
  SessionDeletedError,
  UnavailableError,
  UnsupportedMediaTypeError,
} from './errors.js';
export type { RequestHook, RequestInfo, ResponseHook, ResponseInfo } from './hooks.js';
export type { Messages } from './messages.js';
export { type Meta, metaOf, type RateLimit } from './meta.js';
export type { ClientOptions, IdempotencyOptions, RequestOptions, StreamOptions } from './options.js';
export type { ItemList } from './pager.js';
export type { Sessions } from './sessions.js';
export type { ChatStream } from './stream.js';
export type * from './types.js';
export { VERSION } from './version.js';
