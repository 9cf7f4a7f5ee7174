import type { Token } from 'marked';
import { decorate, languageNameOf } from './decorate.js';
import { highlight } from './highlight.js';
import { lex, render } from './parse.js';

interface Block {
  raw: string;
  nodes: Element[];
  coloured: boolean;
}

/** While a text grows, so many blocks at its end may still become something else: the next line decides. */
const UNSETTLED = 2;

/**
 * Shows Markdown in an element, and keeps it up to date while the text grows: blocks that have not changed stay the
 * elements they are (with what is selected in them), and only the end of the text is read again.
 */
export class MarkdownView {
  #text = '';
  #blocks: Block[] = [];

  constructor(private readonly host: Element) {}

  /** @param live - more of the text is to come */
  update(text: string, live: boolean): void {
    const settled = live && text.startsWith(this.#text) ? Math.max(0, this.#blocks.length - UNSETTLED) : 0;
    const offset = this.#blocks.slice(0, settled).reduce((sum, block) => sum + block.raw.length, 0);
    const tokens = lex(text.slice(offset));
    // A definition of a link can stand behind its use, so nothing that was drawn without it can stay.
    const reuse = live || Object.keys(tokens.links).length === 0;
    this.#replace(settled, tokens, reuse);
    this.#text = text;
    this.#colour(live ? this.#blocks.length - 1 : this.#blocks.length);
  }

  #replace(from: number, tokens: readonly Token[], reuse: boolean): void {
    const old = this.#blocks.splice(from);
    let same = 0;
    while (reuse && same < old.length && same < tokens.length && old[same]?.raw === tokens[same]?.raw) same++;
    for (const block of old.slice(same)) for (const node of block.nodes) node.remove();
    this.#blocks.push(...old.slice(0, same));
    for (const token of tokens.slice(same)) {
      const fragment = render(token);
      decorate(fragment);
      const nodes = elementsOf(fragment);
      this.host.append(...nodes);
      this.#blocks.push({ raw: token.raw, nodes, coloured: false });
    }
  }

  #colour(end: number): void {
    for (const block of this.#blocks.slice(0, end)) {
      if (block.coloured) continue;
      block.coloured = true;
      for (const node of block.nodes) {
        for (const code of node.querySelectorAll<HTMLElement>('pre > code[class]')) {
          void highlight(code, languageNameOf(code));
        }
      }
    }
  }
}

/** The fragment's elements, text that stands alone (of HTML that was not closed, for example) in paragraphs. */
function elementsOf(fragment: DocumentFragment): Element[] {
  return [...fragment.childNodes].flatMap((node) => {
    if (node instanceof Element) return [node];
    if (!node.textContent?.trim()) return [];
    const paragraph = document.createElement('p');
    paragraph.append(node);
    return [paragraph];
  });
}
