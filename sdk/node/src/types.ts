/** One message to the assistant. */
export interface ChatRequest {
  /** The text: 1 byte to 256 KiB in UTF-8, not blank. */
  message: string;
  /**
   * The session to go on with; one that does not exist is opened under this key. Left out, a session with a generated
   * key is opened, and the answer carries that key.
   */
  sessionKey?: string | null | undefined;
  /**
   * What becomes of the answer when the connection ends before it does: `continue` (the gateway's default) writes it to
   * its end, `cancel` stops the model.
   */
  onDisconnect?: 'continue' | 'cancel' | null | undefined;
  /** Taken, so that requests written for the REST API fit, and left out. {@link OpenClaw.stream} is what streams. */
  stream?: false | null | undefined;
}

/** The assistant's whole answer. */
export interface ChatResponse {
  /** Of the assistant's message, `msg_...`. */
  id: string;
  /** What the assistant says. */
  content: string;
  /** The session that the answer belongs to. */
  sessionKey: string;
  /** The model that answered. */
  model: string;
  usage: Usage;
  /** RFC 3339, in UTC. */
  createdAt: string;
}

/** Tokens of one answer, as the model's provider counts them. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** `true` where the provider gave no figures and these are the gateway's estimate; absent otherwise. */
  estimated?: true;
}

/** A conversation. */
export interface Session {
  key: string;
  /** Where it was opened: `api`, `web`, `cli`, ... */
  channel: string;
  /** RFC 3339, in UTC. */
  createdAt: string;
  /** Time of the newest message: RFC 3339, in UTC. */
  lastActivity: string;
  /** Messages in its history. */
  messageCount: number;
}

/** One page of sessions, newest activity first. */
export interface SessionPage {
  sessions: Session[];
  /** The `cursor` of the next page; absent on the last. */
  nextCursor?: string;
}

/** One message of a session. */
export interface Message {
  id: string;
  role: 'user' | 'assistant';
  content: string;
  /** RFC 3339, in UTC. */
  timestamp: string;
  /**
   * `complete`: whole. `incomplete`: still being written, or stopped before its end. `failed`: the model failed;
   * `content` is what had come until then.
   */
  status: 'complete' | 'incomplete' | 'failed';
  /** Of an answer: the model that gave it. */
  model?: string;
  /** Of an answer that a model was reached for. */
  usage?: Usage;
  /** `true` while it is being written; absent otherwise. */
  running?: true;
  /** Why it is not complete; absent while it is being written. */
  error?: ErrorDetail;
}

/** A message asked for by its id. */
export interface MessageView extends Message {
  /** The session that it belongs to. */
  sessionKey: string;
}

/** One page of a session's messages, oldest first. */
export interface HistoryPage {
  messages: Message[];
}

/** The gateway's own account of how it is. */
export interface GatewayStatus {
  status: 'healthy' | 'degraded';
  /** Why it is `degraded`, each in one sentence; absent where it is not. */
  reasons?: string[];
  /** The gateway's version. */
  version: string;
  /** Whole seconds since the gateway started. */
  uptime: number;
  /** Sessions that the token can see. */
  activeSessions: number;
  /** The model that is asked first. */
  model: { provider: string; model: string };
}

/** The answer of a probe that succeeded. */
export interface Probe {
  /** `ok` of {@link OpenClaw.health}, `ready` of {@link OpenClaw.ready}. */
  status: string;
}

/** What the gateway says of a failure. */
export interface ErrorDetail {
  code: ErrorCode;
  /** For people: what is wrong, and what to do where that is known. */
  message: string;
  /** Of a `MODEL_ERROR`. */
  reason?: ModelErrorReason;
  /** Whole seconds to wait before another try; absent where waiting does not help. */
  retryAfter?: number;
}

/** What to branch on. A gateway newer than this SDK may send others. */
export type ErrorCode =
  | 'INVALID_REQUEST'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'REQUEST_TIMEOUT'
  | 'SESSION_BUSY'
  | 'SESSION_DELETED'
  | 'CANCELLED'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'MISDIRECTED_REQUEST'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'RATE_LIMITED'
  | 'INTERNAL_ERROR'
  | 'MODEL_ERROR'
  | 'UNAVAILABLE'
  | OtherString;

/**
 * Why no model gave a whole answer: `rate_limited`, the provider's limit; `overloaded`, it has too much to do;
 * `timeout`, it was silent for too long; `unavailable`, it could not be reached or failed; `rejected`, it refused this
 * message; `truncated`, it broke off; `unconfigured`, it does not accept the gateway's key or does not know the model.
 */
export type ModelErrorReason =
  | 'rate_limited'
  | 'overloaded'
  | 'timeout'
  | 'unavailable'
  | 'rejected'
  | 'truncated'
  | 'unconfigured'
  | OtherString;

/** Any string, without hiding the known ones from an editor's suggestions. */
export type OtherString = string & Record<never, never>;

/** What every event of a stream has. */
interface Numbered {
  /** Its number in the stream, from 1: what {@link Messages.stream} takes up after. 0 where it was sent without. */
  seq: number;
}

/** The user's message is kept and the answer begins. Once, first. */
export interface StartEvent extends Numbered {
  type: 'start';
  /** Of the assistant's message, `msg_...`. */
  id: string;
  sessionKey: string;
}

/** The next piece of the answer's text. All of them, joined, are the answer. */
export interface DeltaEvent extends Numbered {
  type: 'delta';
  content: string;
}

/** The answer is whole and in the session's history. Once, last. */
export interface DoneEvent extends Numbered {
  type: 'done';
  id: string;
  sessionKey: string;
  /** The model that answered. */
  model: string;
  usage: Usage;
  /** RFC 3339, in UTC. */
  createdAt: string;
}

/** An event that this version of the SDK does not know. Safe to ignore. */
export interface UnknownEvent extends Numbered {
  type: 'unknown';
  /** The event's name as it was sent. */
  event: string;
  /** The event's data: parsed where it is JSON, as text where it is not. */
  data: unknown;
}

/** An event of an answer in the making. Where the gateway sends `error`, the stream throws an {@link APIError}. */
export type StreamEvent = StartEvent | DeltaEvent | DoneEvent | UnknownEvent;

/** Selects sessions. */
export interface SessionQuery {
  /** Only sessions that were opened on this channel. */
  channel?: string | undefined;
  /** Sessions per page: 1 to 1000, the gateway's default is 1000. */
  limit?: number | undefined;
  /** `nextCursor` of the page before. Left out for the first page. */
  cursor?: string | undefined;
}

/** Selects messages of a session. */
export interface HistoryQuery {
  /** Messages per page: 1 to 1000, the gateway's default is 50. */
  limit?: number | undefined;
  /** Only messages before the one with this id. Left out for the newest. */
  before?: string | undefined;
}
