/** How near to its end, in pixels, a thread counts as being at its end. */
const NEAR = 32;

/**
 * Keeps a thread still for whoever reads it. At its end it follows what is added; anywhere else what is being read stays
 * where it is, whatever is loaded, drawn or put aside above. Done by hand, because browsers differ in whether they do it.
 */
export class ScrollKeeper {
  readonly #resized = new ResizeObserver(() => this.#settle());
  #pinned = true;
  #anchor: { element: Element; top: number } | undefined;
  readonly #groups: HTMLCollectionOf<Element>;
  /** How things stood when they were last looked at. */
  #top = 0;
  #height = 0;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly onPinned: (pinned: boolean) => void,
  ) {
    this.#groups = scroller.getElementsByClassName('group');
    scroller.addEventListener('scroll', this.#scrolled, { passive: true });
    this.#resized.observe(scroller);
  }

  /** Watches an element whose height may change. */
  watch(element: Element): () => void {
    this.#resized.observe(element);
    return () => this.#resized.unobserve(element);
  }

  end(): void {
    this.scroller.removeEventListener('scroll', this.#scrolled);
    this.#resized.disconnect();
  }

  toEnd(smooth = false): void {
    this.#pin(true);
    const behavior = smooth && !matchMedia('(prefers-reduced-motion: reduce)').matches ? 'smooth' : 'instant';
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior });
    this.#remember();
  }

  readonly #scrolled = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.#pin(true);
    // Only a person moves up in what has not become shorter. Anything else that leaves the end is the text that grew since
    // this event was on its way.
    else if (scrollTop < this.#top && scrollHeight >= this.#height) this.#pin(false);
    this.#settle();
  };

  #pin(pinned: boolean): void {
    if (pinned === this.#pinned) return;
    this.#pinned = pinned;
    this.onPinned(pinned);
  }

  #settle(): void {
    if (this.#pinned) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
    } else if (this.#anchor?.element.isConnected) {
      // How far it has moved beyond what somebody has scrolled.
      const moved = this.#anchor.element.getBoundingClientRect().top - this.#anchor.top;
      const shift = moved + this.scroller.scrollTop - this.#top;
      if (Math.abs(shift) >= 1) this.scroller.scrollTop += shift;
    }
    this.#remember();
  }

  /** Takes the first message in sight for the one that is being read. */
  #remember(): void {
    this.#top = this.scroller.scrollTop;
    this.#height = this.scroller.scrollHeight;
    const { top } = this.scroller.getBoundingClientRect();
    const group = firstBelow(this.#groups, top);
    const element = (group && firstBelow(group.children, top)) ?? group;
    this.#anchor = element && { element, top: element.getBoundingClientRect().top };
  }
}

/** Finds the first of some elements, which stand one below the other, that ends below a line. */
function firstBelow(elements: HTMLCollection, line: number): Element | undefined {
  let [from, to] = [0, elements.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const bottom = elements[middle]?.getBoundingClientRect().bottom ?? 0;
    if (bottom > line) to = middle;
    else from = middle + 1;
  }
  return elements[from];
}
