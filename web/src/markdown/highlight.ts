import { languageOf } from './languages.js';
import { sanitize } from './sanitize.js';

/** Longer code is shown plain: highlighting it would hold the page up. Characters. */
const MAX = 50_000;

/** Colours a code element once its language is there. Code of an unknown language stays plain. */
export async function highlight(code: HTMLElement, name: string): Promise<void> {
  const text = code.textContent ?? '';
  const language = languageOf(name);
  if (!language || text.length > MAX) return;
  try {
    const [{ default: hljs }, { default: grammar }] = await Promise.all([
      import('highlight.js/lib/core'),
      language.load(),
    ]);
    if (!hljs.getLanguage(language.name)) hljs.registerLanguage(language.name, grammar);
    const { value } = hljs.highlight(text, { language: language.name, ignoreIllegals: true });
    if (code.textContent === text) code.replaceChildren(sanitize(value));
  } catch {
    // The gateway is away and the grammar with it: plain code is readable too.
  }
}
