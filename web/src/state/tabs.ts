/**
 * What tabs of one browser tell each other, so that an answer asked for in one is followed in all. Nothing of what was
 * said passes here, only where to look.
 */
export type TabMessage =
  | { type: 'began'; sessionKey: string; messageId: string }
  | { type: 'changed'; sessionKey: string }
  | { type: 'deleted'; sessionKey: string }
  | { type: 'asks'; sessionKey: string };

const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('openclaw');

export function tell(message: TabMessage): void {
  channel?.postMessage(message);
}

export function listen(heard: (message: TabMessage) => void): void {
  channel?.addEventListener('message', ({ data }) => {
    if (typeof data?.type === 'string' && typeof data.sessionKey === 'string') heard(data as TabMessage);
  });
}
