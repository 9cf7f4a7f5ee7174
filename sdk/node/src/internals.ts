import { onAbort } from './abort.js';

/** What tests put in place of time and chance. Not part of the public interface. */
export interface Internals {
  /** Waits, and rejects with the signal's reason where that is aborted first. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** A number in [0, 1). */
  random(): number;
}

/** The key of {@link Internals} in a client's options. */
export const INTERNALS: unique symbol = Symbol('openclaw internals');

export const defaultInternals: Internals = {
  random: Math.random,
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        leave();
        resolve();
      }, ms);
      const leave = onAbort(signal, () => {
        clearTimeout(timer);
        reject(signal?.reason);
      });
    });
  },
};
