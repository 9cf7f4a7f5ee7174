import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VERSION } from '@openclaw/sdk';
import { contract, operationIds } from './support/spec.mjs';

const root = new URL('../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');
const sources = readdirSync(new URL('src/', root)).map((name) => read(`src/${name}`));

test('every operation of the contract has a method, and no method claims another', () => {
  const claimed = sources.flatMap((text) =>
    Array.from(
      text.matchAll(/^ {3}\* Operation: (\w+)\n(?: {3}\*.*\n)* {3}\*\/\n {2}(?:async )?\w+\(/gm),
      ([, id]) => id,
    ),
  );
  assert.deepEqual([...new Set(claimed)].sort(), operationIds().sort());
});

test('the codes and reasons of the contract are those of the types', () => {
  const types = read('src/types.ts');
  for (const [schema, type] of [
    ['ErrorCode', 'ErrorCode'],
    ['ModelErrorReason', 'ModelErrorReason'],
  ]) {
    const declared = types.match(new RegExp(`export type ${type} =\\n([^;]+);`))?.[1] ?? '';
    const names = Array.from(declared.matchAll(/'(\w+)'/g), ([, name]) => name);
    assert.deepEqual(names.sort(), contract.enumOf(schema).sort());
  }
});

test('the fields of the contract are those of the types', () => {
  const types = read('src/types.ts');
  const pairs = {
    ChatResponse: 'ChatResponse',
    Usage: 'Usage',
    Session: 'Session',
    SessionList: 'SessionPage',
    Message: 'Message',
    History: 'HistoryPage',
    Status: 'GatewayStatus',
    Probe: 'Probe',
    ErrorDetail: 'ErrorDetail',
    ChatRequest: 'ChatRequest',
    StartEvent: 'StartEvent',
    DeltaEvent: 'DeltaEvent',
    DoneEvent: 'DoneEvent',
  };
  for (const [schema, type] of Object.entries(pairs)) {
    const body =
      types.match(new RegExp(`export interface ${type} (?:extends \\w+ )?\\{\\n([\\s\\S]*?)\\n\\}`))?.[1] ?? '';
    const fields = Array.from(body.matchAll(/^ {2}(\w+)\??:/gm), ([, name]) => name).filter((name) => name !== 'type');
    assert.deepEqual(fields.sort(), contract.propertiesOf(schema).sort(), type);
  }
});

test('the version is the same everywhere', () => {
  assert.equal(JSON.parse(read('package.json')).version, VERSION);
});

test('nothing is needed at run time, and the lock file names no registry', () => {
  const manifest = JSON.parse(read('package.json'));
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies'])
    assert.equal(manifest[kind], undefined);
  assert.doesNotMatch(read('package-lock.json'), /"resolved"/);
});
