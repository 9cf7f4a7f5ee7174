import assert from 'node:assert/strict';

/** Fails where `value` has a member that is not known: one passed over would be a test that cannot fail. */
export function fields(value, known) {
  for (const name of Object.keys(value))
    assert.ok(known.includes(name), `this runner does not know the member ${name}`);
}
