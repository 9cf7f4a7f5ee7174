// Stops an answer half way, and shows what was written until then.
import { AnswerCancelledError, OpenClaw } from '@openclaw/sdk';

const client = new OpenClaw();
let id = '';
try {
  for await (const event of client.stream({ message: 'Count to a million.' })) {
    if (event.type === 'start') id = event.id;
    if (event.type !== 'delta') continue;
    process.stdout.write(event.content);
    // Leaving the loop would only stop the reading: the answer would be written on, and kept.
    if (event.content.includes('3')) await client.messages.cancel(id);
  }
} catch (error) {
  if (!(error instanceof AnswerCancelledError)) throw error;
  const message = await client.messages.get(id);
  console.log(`\n${message.status}: ${message.content}`);
}
