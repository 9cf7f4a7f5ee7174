// Compiled, never run: what a program in TypeScript may rely on. Also compiled against the package as it is published.
import {
  APIError,
  type ChatResponse,
  type ChatStream,
  type ClientOptions,
  type ItemList,
  metaOf,
  OpenClaw,
  RateLimitError,
  type Session,
  type StreamEvent,
} from '@openclaw/sdk';

const options: ClientOptions = {
  baseUrl: undefined,
  apiKey: 'k',
  fetch,
  onRequest: ({ headers }) => headers.set('a', 'b'),
};
const client: OpenClaw = new OpenClaw(options);

export async function main(): Promise<number | undefined> {
  const reply: ChatResponse = await client.chat(
    { message: 'x', sessionKey: null, stream: false },
    { idempotencyKey: 'k' },
  );
  const stream: ChatStream = client.stream({ message: 'x' }, { signal: AbortSignal.timeout(1), idleTimeout: 1 });
  for await (const event of stream) show(event);
  const list: ItemList<Session> = client.sessions.list({ channel: 'api' });
  for await (const { key, messageCount } of list) console.log(key.length + messageCount);
  for (const { role, content } of await client.sessions.history(reply.sessionKey).toArray()) console.log(role, content);
  try {
    await client.messages.cancel(reply.id);
  } catch (error) {
    if (error instanceof RateLimitError) return error.retryAfter;
    if (error instanceof APIError && error.code === 'SESSION_BUSY') return error.status;
  }
  return metaOf(reply)?.rateLimit?.reset.getTime();
}

function show(event: StreamEvent): string | number {
  switch (event.type) {
    case 'start':
      return event.id + event.sessionKey;
    case 'delta':
      return event.content;
    case 'done':
      return event.usage.outputTokens;
    case 'unknown':
      return `${event.event} ${JSON.stringify(event.data)} ${event.seq}`;
  }
}

// @ts-expect-error a message is required
export const without = client.chat({});
// @ts-expect-error streaming has its own method
export const streaming = client.chat({ message: 'x', stream: true });
// @ts-expect-error a misspelt option
export const misspelt = new OpenClaw({ baseURL: 'http://localhost:3000' });
// @ts-expect-error time-outs are numbers
export const wrong = new OpenClaw({ timeout: '10s' });
