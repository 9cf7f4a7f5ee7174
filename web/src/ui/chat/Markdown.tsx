import { useLayoutEffect, useRef } from 'preact/hooks';
import { MarkdownView } from '../../markdown/view.js';

interface MarkdownProps {
  text: string;
  /** More of it is to come. */
  live?: boolean;
}

export function Markdown({ text, live = false }: MarkdownProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<MarkdownView | undefined>(undefined);
  useLayoutEffect(() => {
    if (!host.current) return;
    view.current ??= new MarkdownView(host.current);
    view.current.update(text, live);
  }, [text, live]);
  return <div ref={host} class="markdown" dir="auto" />;
}
