import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../../../spec/openapi.yaml', import.meta.url), 'utf8');

/** The operations of the published contract. */
export function operationIds() {
  return found(text, /^\s+operationId:\s*(\w+)/gm);
}

// Read line by line: a parser of YAML would be a dependency, for a document whose layout is known.
export const contract = {
  /** The values of a schema's `enum`. */
  enumOf(schema) {
    const list = section(schema).match(/ {6}enum:(?: \[([^\]]*)\]|((?:\n {8}- \w+)+))/);
    return found(list?.[1] ?? list?.[2] ?? '', /(\w+)/g);
  },
  /** The names of a schema's properties. */
  propertiesOf(schema) {
    return found(section(schema).match(/ {6}properties:\n((?: {8}.*\n)+)/)?.[1] ?? '', /^ {8}(\w+):/gm);
  },
};

function section(schema) {
  const match = text.match(new RegExp(`\\n {4}${schema}:\\n((?: {6}.*\\n|\\n)+)`));
  assert.ok(match, `openapi.yaml has no schema ${schema}`);
  return `${match[1]}`;
}

function found(where, pattern) {
  const names = Array.from(where.matchAll(pattern), ([, name]) => name);
  assert.ok(names.length > 0, 'openapi.yaml is not laid out as expected');
  return names;
}
