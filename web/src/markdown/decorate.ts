import { copyText } from '../ui/copy.js';

/** Adds to a rendered block what the page itself has to say: where links lead, code's language, how to copy it. */
export function decorate(fragment: DocumentFragment): void {
  for (const link of fragment.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
  }
  for (const table of fragment.querySelectorAll('table')) {
    const frame = scrollable('table-frame', 'Table');
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const pre of fragment.querySelectorAll('pre')) frameCode(pre);
  // Each paragraph, list or table goes the way its own first letters do.
  for (const block of fragment.children) if (!block.matches('.code-frame')) block.setAttribute('dir', 'auto');
}

/** The language that a code element names, '' where it names none. */
export function languageNameOf(code: Element): string {
  return /language-(\S+)/.exec(code.className)?.[1] ?? '';
}

function frameCode(pre: HTMLPreElement): void {
  const code = pre.querySelector('code') ?? pre;
  const language = languageNameOf(code);
  const frame = document.createElement('div');
  frame.className = 'code-frame';
  const bar = document.createElement('div');
  bar.className = 'code-bar';
  const label = document.createElement('span');
  label.textContent = language || 'text';
  bar.append(
    label,
    copyButton(() => code.textContent ?? ''),
  );
  pre.replaceWith(frame);
  const body = scrollable('code-body', language ? `Code, ${language}` : 'Code');
  body.append(pre);
  frame.append(bar, body);
}

function scrollable(className: string, label: string): HTMLElement {
  const element = document.createElement('div');
  element.className = className;
  // What scrolls sideways must be reachable by keyboard.
  element.tabIndex = 0;
  element.setAttribute('role', 'group');
  element.setAttribute('aria-label', label);
  return element;
}

function copyButton(text: () => string): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'code-copy';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    const done = await copyText(text());
    button.textContent = done ? 'Copied' : 'Not allowed';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1500);
  });
  return button;
}
