// Goes on with a conversation, lists it, and erases it.
import { NotFoundError, OpenClaw } from '@openclaw/sdk';

const client = new OpenClaw({ channel: 'demo' });
const { sessionKey } = await client.chat({ message: 'My name is Ada.' });
await client.chat({ message: 'What is my name?', sessionKey });

for await (const session of client.sessions.list({ channel: 'demo' })) {
  console.log(`${session.key}: ${session.messageCount} messages`);
}
for await (const { role, content } of client.sessions.history(sessionKey)) {
  console.log(`${role}: ${content}`);
}

await client.sessions.delete(sessionKey);
try {
  await client.sessions.get(sessionKey);
} catch (error) {
  if (!(error instanceof NotFoundError)) throw error;
  console.log('The session is gone.');
}
