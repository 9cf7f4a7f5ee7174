import { APIConnectionError, APIError, type ErrorDetail, IncompleteStreamError, OpenClawError } from '@openclaw/sdk';

/** What went wrong, in words for the person before the screen: what happened, and what to do about it. */
export interface Problem {
  code: string;
  title: string;
  advice: string;
  /** The gateway's own sentence, where it says more than the title. */
  detail?: string;
  /** When waiting has helped, in milliseconds since 1970. */
  retryAt?: number;
  /** What to quote to the operator. */
  requestId?: string;
}

const reasons: Record<string, [title: string, advice: string]> = {
  rate_limited: [
    "The model's provider takes no more requests for now",
    'Wait a little and ask again. If it keeps happening, the provider account needs a higher limit.',
  ],
  overloaded: [
    'The model is overloaded',
    'Ask again in a moment. A fallback model in the configuration would step in.',
  ],
  timeout: ['The model took too long to answer', 'Ask again. A shorter question, or another model, may be faster.'],
  unavailable: [
    'The model cannot be reached',
    'Ask again in a moment. If it goes on, check that the model server runs and that the gateway can reach it.',
  ],
  rejected: ['The model refused this message', 'Change the message and send it again.'],
  truncated: ['The answer broke off', 'What came is kept. Ask again for a whole one.'],
  unconfigured: [
    "The gateway's access to the model does not work",
    'Its operator should check the API key and the model name under models in the configuration.',
  ],
};

const codes: Record<string, [title: string, advice: string]> = {
  INVALID_REQUEST: ['The gateway does not accept this', 'Change it and try again.'],
  UNAUTHORIZED: ['The token is not accepted', 'Sign in with a token from the gateway’s configuration.'],
  FORBIDDEN: [
    'This token is not allowed to do that',
    'Sign in with another token, or have the permission added under api.tokens in the configuration.',
  ],
  NOT_FOUND: ['This is not here any more', 'It may have been deleted, or belong to another workspace.'],
  SESSION_BUSY: ['Too many messages wait in this session', 'Wait for an answer, then send this again.'],
  SESSION_DELETED: ['The session was deleted', 'Start a new one to go on.'],
  CANCELLED: ['Stopped', 'What came is kept.'],
  PAYLOAD_TOO_LARGE: ['The message is too long', 'A message may have 256 KiB. Send it in parts.'],
  MISDIRECTED_REQUEST: [
    'The gateway does not answer under this name',
    'Its operator can add the name to server.allowedHosts in the configuration.',
  ],
  IDEMPOTENCY_KEY_REUSED: ['This was sent before with other words', 'Send it as a new message.'],
  RATE_LIMITED: ['Too many requests with this token', 'It goes on by itself as soon as the minute is over.'],
  INTERNAL_ERROR: ['Something broke in the gateway', 'Try again. The gateway’s log has the cause.'],
  UNAVAILABLE: ['The gateway takes no new work right now', 'It is restarting or its disk is full. Try again shortly.'],
};

/** Describes anything that a call to the gateway ended with. */
export function problemOf(error: unknown): Problem {
  if (error instanceof APIError) {
    const { code, reason, message, retryAfter, requestId, status } = error;
    return describe({ code: code ?? `HTTP_${status}`, message, reason, retryAfter }, requestId);
  }
  if (error instanceof APIConnectionError || error instanceof IncompleteStreamError) {
    return {
      code: 'CONNECTION',
      title: 'The gateway cannot be reached',
      advice: 'Check that it is running. The page reconnects by itself.',
    };
  }
  const detail = error instanceof Error ? error.message : String(error);
  const title = error instanceof OpenClawError ? 'This cannot be sent' : 'Something broke in this page';
  return { code: 'PAGE', title, advice: 'Reload the page. What you have sent is safe.', detail };
}

/** Describes an error as the gateway words it, in an answer or in a message of the history. */
export function describe(
  detail: Omit<ErrorDetail, 'reason' | 'retryAfter'> & { reason?: string | undefined; retryAfter?: number | undefined },
  requestId?: string,
): Problem {
  const known = (detail.reason && reasons[detail.reason]) || codes[detail.code];
  const [title, advice] = known ?? ['That did not work', 'Try again.'];
  return {
    code: detail.code,
    title,
    advice,
    detail: detail.message,
    ...(detail.retryAfter !== undefined && { retryAt: Date.now() + detail.retryAfter * 1000 }),
    ...(requestId !== undefined && { requestId }),
  };
}
