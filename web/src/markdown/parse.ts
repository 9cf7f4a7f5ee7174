import { Marked, type Token, type TokensList } from 'marked';
import { sanitize } from './sanitize.js';

const marked = new Marked({
  gfm: true,
  renderer: {
    // Nothing is fetched from anywhere: an image is a link that says so, and a person decides.
    image({ href, text }) {
      return `<a href="${quote(href)}">${quote(text || href)}</a> <small>(image)</small>`;
    },
    checkbox({ checked }) {
      return checked ? '☑ ' : '☐ ';
    },
  },
});

function quote(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Takes Markdown apart into its top-level blocks, whose `raw` joined is the text again. */
export function lex(text: string): TokensList {
  return marked.lexer(text);
}

/** Makes the elements of one block. */
export function render(block: Token): DocumentFragment {
  return sanitize(marked.parser([block]));
}
