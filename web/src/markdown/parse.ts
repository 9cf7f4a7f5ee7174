import { Marked, type Token, type TokensList } from 'marked';
import { sanitize } from './sanitize.js';

/**
 * The start of any tag but the simplest, without attributes, that have no counterpart in Markdown. All others are shown as
 * the text that they are: a person sees what the model wrote, and no parser ever does.
 */
const NOT_PLAIN = /<(?!\/?(?:b|br|del|details|i|ins|kbd|mark|q|s|small|sub|summary|sup|u|var)\s*\/?>)/gi;

const marked = new Marked({
  gfm: true,
  renderer: {
    // Nothing is fetched from anywhere: an image is a link that says so, and a person decides.
    image({ href, text }) {
      return `<a href="${quote(href)}">${quote(text || href)}</a> <small>(image)</small>`;
    },
    html({ text }) {
      return text.replace(NOT_PLAIN, '&lt;');
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
