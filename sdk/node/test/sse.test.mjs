import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { EventParser } from '../dist/esm/sse.js';

const encode = (text) => new TextEncoder().encode(text);

/** Numbers that look random and are the same each time (a linear congruential generator). */
function* numbers(seed) {
  for (let n = seed; ; ) {
    n = (n * 1_103_515_245 + 12_345) % 2 ** 31;
    yield n / 2 ** 31;
  }
}

test('however a stream is cut up, and whatever ends its lines, its events are the same', () => {
  const lines = [
    '\ufeffid: 1',
    'event: start',
    'data: {"id":"ü€😀"}',
    '',
    ': a comment',
    'id: 2',
    'data: first',
    'data:second',
    'data',
    '',
    'event: nothing',
    '',
    'id: x',
    'event: delta',
    'data:  two spaces',
    'retry: 10',
    'unknown: field',
    '',
    'data: not whole',
  ];
  const want = [
    { name: 'start', data: '{"id":"ü€😀"}', seq: 1 },
    { name: 'message', data: 'first\nsecond\n', seq: 2 },
    { name: 'delta', data: ' two spaces', seq: 2 },
  ];
  const random = numbers(7);
  const next = () => /** @type {number} */ (random.next().value);
  for (let round = 0; round < 500; round++) {
    let end = '';
    const ended = lines.map((line) => {
      // LF behind a CR would be that line's end, and not an empty line.
      const choices = line === '' && end === '\r' ? ['\r', '\r\n'] : ['\n', '\r', '\r\n'];
      end = choices[Math.floor(next() * choices.length)];
      return line + end;
    });
    const bytes = encode(ended.join(''));
    const parser = new EventParser();
    const got = [];
    for (let from = 0; from < bytes.length; ) {
      const to = from + Math.floor(next() * next() * 40); // at times, nothing
      got.push(...parser.push(bytes.subarray(from, to)));
      from = to;
    }
    assert.deepEqual(got, want);
  }
});

test('an event is given out with the byte that completes it, not with the one after', () => {
  for (const end of ['\n\n', '\r\r', '\r\n\r']) {
    const events = new EventParser().push(encode(`data: x${end}`));
    assert.deepEqual(events, [{ name: 'message', data: 'x', seq: 0 }]);
  }
});

test('numbers go on from an earlier connection', () => {
  assert.deepEqual(
    new EventParser(41).push(encode('data: x\n\nid: 42\ndata: y\n\n')).map((e) => e.seq),
    [41, 42],
  );
});

test('an event without end is given up before it takes all memory', () => {
  const parser = new EventParser();
  const piece = encode('x'.repeat(1 << 20));
  parser.push(encode('data: '));
  assert.throws(() => {
    for (let i = 0; i < 20; i++) parser.push(piece);
  }, RangeError);
  const lines = new EventParser();
  assert.throws(() => {
    for (let i = 0; i < 20; i++) lines.push(encode(`data: ${'x'.repeat(1 << 20)}\n`));
  }, RangeError);
});

test('a million events are taken apart in reasonable time', { timeout: 30_000 }, async () => {
  const parser = new EventParser();
  const chunk = encode('id: 7\nevent: delta\ndata: {"content":"word "}\n\n'.repeat(1000));
  let events = 0;
  for (let i = 0; i < 1000; i++) {
    events += parser.push(chunk).length;
    if (i % 100 === 0) await setImmediate(); // else the time-out could not strike
  }
  assert.equal(events, 1_000_000);
});
