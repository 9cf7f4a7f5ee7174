import { type APIError, apiError, parseEnvelope } from './errors.js';

/** Makes an error of an answer that is none of success. */
export async function readError(response: Response): Promise<APIError> {
  let detail: ReturnType<typeof parseEnvelope>;
  try {
    detail = parseEnvelope(JSON.parse(await response.text()));
  } catch {
    // Whatever of the body came, or came garbled: the status alone is an answer.
  }
  if (detail === undefined) return foreignAnswer(response);
  const retryAfter = detail.retryAfter ?? retryAfterOf(response.headers);
  return apiError({ ...detail, ...originOf(response), retryAfter });
}

/** Describes an answer that the gateway did not write. */
export function foreignAnswer(response: Response, problem?: string): APIError {
  const type = response.headers.get('Content-Type')?.split(';')[0]?.trim();
  const what = `HTTP ${response.status}${response.statusText ? ` ${response.statusText}` : ''}`;
  let message = `${what}, but not from an OpenClaw gateway: ${problem ?? `it answered with ${type || 'nothing'}`}.`;
  const location = response.headers.get('Location');
  if (location !== null || response.type === 'opaqueredirect') {
    message += ` It points to ${JSON.stringify(location ?? 'another address')}, so check baseUrl.`;
  }
  return apiError({ message, ...originOf(response), retryAfter: retryAfterOf(response.headers) });
}

function originOf(response: Response) {
  const requestId = response.headers.get('X-Request-Id') ?? undefined;
  return { status: response.status, headers: response.headers, requestId };
}

/** Reads Retry-After in both of its forms: the gateway sends seconds, a proxy before it may send a date. */
function retryAfterOf(headers: Headers): number | undefined {
  const value = headers.get('Retry-After');
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000);
  return seconds > 0 ? seconds : undefined;
}
