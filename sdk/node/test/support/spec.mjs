import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The operations of the published contract. */
export function operationIds() {
  const text = readFileSync(new URL('../../../../spec/openapi.yaml', import.meta.url), 'utf8');
  const ids = Array.from(text.matchAll(/^\s+operationId:\s*(\w+)/gm), ([, id]) => id);
  assert.ok(ids.length > 0, 'openapi.yaml has no operations');
  return ids;
}
