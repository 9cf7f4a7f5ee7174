import { onAbort } from './abort.js';

/** The longest that setTimeout can wait; beyond it would fire at once. */
const MAX_TIMER = 2 ** 31 - 1;

/** One try of a call: a signal that aborts when the caller's does, or when something takes too long. */
export class Attempt {
  /** When its request was sent, by `performance.now()`. */
  sent = 0;

  readonly #controller = new AbortController();
  readonly #leave: () => void;

  constructor(caller: AbortSignal | undefined) {
    // Linked by hand: in Node 20, AbortSignal.any leaves something behind in the caller's signal for every try.
    this.#leave = onAbort(caller, () => this.#controller.abort(caller?.reason));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Waits for what `work` promises, at most `ms` milliseconds. After that, everything that listens to the signal ends.
   *
   * @throws what `late` returns where it took too long, the caller's reason where the caller aborted, else what `work` threw
   */
  async within<T>(ms: number, late: () => Error, work: () => Promise<T>): Promise<T> {
    const { signal } = this;
    signal.throwIfAborted();
    const timer = ms <= MAX_TIMER ? setTimeout(() => this.#controller.abort(late()), ms) : undefined;
    let leave = () => {};
    // Raced rather than left to the work itself, since not every fetch that is passed in listens to its signal.
    const aborted = new Promise<never>((_, reject) => {
      leave = onAbort(signal, () => reject(signal.reason));
    });
    try {
      return await Promise.race([work(), aborted]);
    } catch (error) {
      // How fetch words an abort differs between runtimes.
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      leave();
    }
  }

  /** Ends the try: its connection is closed where it is still open. */
  end(): void {
    this.#leave();
    if (!this.signal.aborted) this.#controller.abort(new DOMException('This try is over.', 'AbortError'));
  }
}
