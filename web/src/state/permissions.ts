import { APIError, NotFoundError, PermissionDeniedError } from '@openclaw/sdk';
import { signal } from '@preact/signals';
import { gateway, noteFailure } from './gateway.js';

export type Permission = 'chat' | 'sessions';

/** What the token may do; undefined where that is not known yet. */
export const permissions = signal<Partial<Record<Permission, boolean>>>({});

/** No message has this id, and asking to stop it changes nothing: only the answer's kind is of interest. */
const NO_MESSAGE = 'msg_00000000000000000000000000';

/** Finds out what the token may do, by asking for things that have no effect. */
export async function findPermissions(): Promise<void> {
  const [chat, sessions] = await Promise.all([
    allowed(() => gateway().messages.cancel(NO_MESSAGE)),
    allowed(() => gateway().sessions.listPage({ limit: 1 })),
  ]);
  permissions.value = { ...(chat !== undefined && { chat }), ...(sessions !== undefined && { sessions }) };
}

async function allowed(ask: () => Promise<unknown>): Promise<boolean | undefined> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof PermissionDeniedError) return false;
    if (error instanceof NotFoundError || (error instanceof APIError && error.status === 400)) return true;
    noteFailure(error);
    return undefined;
  }
}
