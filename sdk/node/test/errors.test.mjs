import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@openclaw/sdk';
import * as internals from '../dist/esm/errors.js';

// Not in the declarations.
const { apiError, parseEnvelope } = /** @type {any} */ (internals);

test('the class of an error goes by its code, else by its status', () => {
  const is = (fields, Class) => assert.equal(apiError({ message: 'x', ...fields }).constructor, Class);
  is({ code: 'RATE_LIMITED', status: 429 }, sdk.RateLimitError);
  is({ code: 'RATE_LIMITED' }, sdk.RateLimitError);
  is({ code: 'INVALID_REQUEST', status: 431 }, sdk.InvalidRequestError);
  is({ code: 'SESSION_BUSY', status: 409 }, sdk.SessionBusyError);
  is({ code: 'OF_TOMORROW', status: 409 }, sdk.ConflictError);
  is({ status: 502 }, sdk.ModelError);
  is({ status: 418 }, sdk.APIError);
  is({}, sdk.APIError);
});

test('every class of error is exported under its own name, and has the base that it should', () => {
  const classes = Object.entries(sdk).filter(([name]) => name.endsWith('Error'));
  assert.equal(classes.length, 24);
  for (const [name, Class] of classes) {
    assert.equal(/** @type {any} */ (Class).prototype.name, name);
    assert.ok(/** @type {any} */ (Class).prototype instanceof sdk.OpenClawError || name === 'OpenClawError');
  }
  assert.ok(sdk.APITimeoutError.prototype instanceof sdk.APIConnectionError);
  assert.ok(sdk.AnswerCancelledError.prototype instanceof sdk.ConflictError);
});

test('an envelope is read whatever else is in it, and nothing is taken for one', () => {
  const detail = { code: 'X', message: 'y' };
  assert.deepEqual(parseEnvelope({ error: { ...detail, retryAfter: 'soon', more: 1 }, beside: 2 }), detail);
  assert.deepEqual(parseEnvelope({ error: { code: 'X' } }), { code: 'X', message: 'X' });
  for (const other of [
    null,
    1,
    'x',
    [],
    {},
    { error: null },
    { error: 'x' },
    { error: { message: 'y' } },
    { error: { code: '' } },
  ]) {
    assert.equal(parseEnvelope(other), undefined);
  }
});
