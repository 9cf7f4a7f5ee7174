// One question, one answer: node chat.mjs "What is an otter?"
// Set OPENCLAW_API_KEY, and OPENCLAW_BASE_URL where the gateway is not at http://localhost:3000.
import { ModelError, metaOf, OpenClaw, RateLimitError } from '@openclaw/sdk';

const client = new OpenClaw();
try {
  const reply = await client.chat({ message: process.argv[2] ?? 'Hello, OpenClaw!' });
  console.log(reply.content);
  console.log(`${reply.model}, ${reply.usage.outputTokens} tokens, session ${reply.sessionKey}`);
  console.log(`${metaOf(reply)?.rateLimit?.remaining} more messages in this minute`);
} catch (error) {
  if (error instanceof RateLimitError) console.error(`Too many messages. Try again in ${error.retryAfter} s.`);
  else if (error instanceof ModelError) console.error(`The model gave no answer (${error.reason}): ${error.message}`);
  else throw error;
  process.exitCode = 1;
}
