// Begins an answer, leaves, and comes back for the rest: as a page does that is loaded anew, or a worker that is restarted.
// (A connection that breaks by itself needs none of this. The SDK takes it up again.)
import { OpenClaw } from '@openclaw/sdk';

const client = new OpenClaw();
const stream = client.stream({ message: 'Tell me a story.' });
for await (const event of stream) {
  if (event.type === 'delta') {
    process.stdout.write(event.content);
    break;
  }
}
// All that has to be kept.
const { messageId = '', lastSeq } = stream;

for await (const event of client.messages.stream(messageId, { after: lastSeq })) {
  if (event.type === 'delta') process.stdout.write(event.content);
}
process.stdout.write('\n');
