import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { echoGateway, serve } from './support/gateway.mjs';

const folder = new URL('../examples/', import.meta.url);

// What each example prints. The time-out matters too: an example that is done must not be kept alive by a timer left.
const printed = {
  'chat.mjs': 'Hello, OpenClaw!\ntest-model, 45 tokens, session session_1\n99 more messages in this minute\n',
  'stream.mjs': 'Write a short poem\n(45 tokens)\n',
  'sessions.mjs':
    'session_1: 4 messages\nuser: My name is Ada.\nassistant: My name is Ada.\n' +
    'user: What is my name?\nassistant: What is my name?\nThe session is gone.\n',
  'cancel.mjs': 'Count to a million.1 2 3\nincomplete: Count \n',
  'resume.mjs': 'Tell me a story.\n',
};

test('every example is run', () => assert.deepEqual(readdirSync(folder), Object.keys(printed).sort()));

for (const [name, output] of Object.entries(printed)) {
  test(`examples/${name}`, async (t) => {
    const env = {
      ...process.env,
      OPENCLAW_BASE_URL: await serve(t, echoGateway()),
      OPENCLAW_API_KEY: 'your-api-token',
    };
    const path = fileURLToPath(new URL(name, folder));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], { env, timeout: 20_000 });
    assert.equal(stdout, output);
    assert.equal(stderr, '');
  });
}
