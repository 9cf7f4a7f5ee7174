import { computed, signal } from '@preact/signals';

/** The time, in milliseconds, to the second: what shows ages and countdowns reads it. */
export const now = signal(Date.now());

/** The same to a quarter of a minute: enough for ages, of which a thousand may be shown. */
export const roughly = computed(() => Math.floor(now.value / 15_000) * 15_000);

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);
document.addEventListener('visibilitychange', () => {
  now.value = Date.now();
});

/** Whole seconds until a time, 0 where it is past; follows the clock where it is read in a component. */
export function secondsUntil(time: number): number {
  void now.value; // which has whoever shows this ask again
  return Math.max(0, Math.ceil((time - Date.now()) / 1000));
}

/** Resolves after `ms`, or rejects with the signal's reason where that is sooner. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
