// Shows an answer as it is written: node stream.mjs "Write a short poem"
import { OpenClaw } from '@openclaw/sdk';

const client = new OpenClaw();
for await (const event of client.stream({ message: process.argv[2] ?? 'Write a short poem' })) {
  if (event.type === 'delta') process.stdout.write(event.content);
  if (event.type === 'done') process.stdout.write(`\n(${event.usage.outputTokens} tokens)\n`);
}
