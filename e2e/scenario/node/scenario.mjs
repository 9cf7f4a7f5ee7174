// The scenario with the Node.js client; see the README beside this folder.
import { pathToFileURL } from 'node:url';

const { APIError, OpenClaw, metaOf } = await import(pathToFileURL(process.argv[2]).href);

const session = 'live';
const client = new OpenClaw({ maxRetries: 8 }); // enough for a gateway that starts on a busy machine
const say = (step) => console.log(JSON.stringify(step));
const failure = (step, error) =>
  error instanceof APIError
    ? { step, code: error.code ?? '', reason: error.reason ?? '' }
    : { step, error: String(error) };
const failing = async (step, call) => {
  try {
    await call();
    say({ step, error: 'none' });
  } catch (error) {
    say(failure(step, error));
  }
};

const status = await client.status();
say({ step: 'status', status: status.status, provider: status.model.provider, model: status.model.model });

const one = () => client.chat({ message: 'one', sessionKey: session }, { idempotencyKey: 'key one' });
const reply = await one();
say({
  step: 'chat',
  content: reply.content,
  session: reply.sessionKey,
  model: reply.model,
  input: reply.usage.inputTokens,
  output: reply.usage.outputTokens,
});
const again = await one();
say({ step: 'same key', same: again.id === reply.id, replayed: metaOf(again).replayed });

let text = '';
const types = [];
for await (const event of client.stream({ message: 'two', sessionKey: session })) {
  types.push(event.type);
  if (event.type === 'delta') text += event.content;
}
say({ step: 'stream', text, types });

await failing('error', () => client.chat({ message: 'three', sessionKey: session }));
await failing('unknown', () => client.sessions.get('never-opened'));

let id = '';
await failing('cancelled', async () => {
  for await (const event of client.stream({ message: 'four', sessionKey: session })) {
    if (event.type === 'start') id = event.id;
    if (event.type === 'delta') await client.messages.cancel(id);
  }
});
const message = await client.messages.get(id);
say({ step: 'message', status: message.status, content: message.content, session: message.sessionKey });

text = '';
let deltas = 0;
try {
  for await (const event of client.stream({ message: 'five', sessionKey: session })) {
    if (event.type !== 'delta') continue;
    text += event.content;
    deltas += 1;
    if (deltas === 2) say({ step: 'streaming' }); // the gateway is killed now, and started again
  }
} catch (error) {
  say({ ...failure('interrupted', error), text });
}
say({ step: 'after', content: (await client.chat({ message: 'six', sessionKey: session })).content });

const messages = [];
for await (const m of client.sessions.history(session)) messages.push([m.role, m.status, m.content]);
say({ step: 'history', messages });
const keys = [];
for await (const s of client.sessions.list()) keys.push(s.key);
say({ step: 'sessions', keys, messages: (await client.sessions.get(session)).messageCount });
await client.sessions.delete(session);
await failing('deleted', () => client.sessions.get(session));
