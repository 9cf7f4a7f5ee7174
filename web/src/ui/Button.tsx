import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { copyText } from './copy.js';
import { Check, Copy } from './icons.js';

interface IconButtonProps {
  label: string;
  onClick: () => void;
  children: ComponentChildren;
  class?: string;
  disabled?: boolean;
}

/** A button that shows a picture and says what it does to those who ask. */
export function IconButton({ label, onClick, children, class: extra = '', disabled = false }: IconButtonProps) {
  return (
    <button
      type="button"
      class={`icon-button ${extra}`}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

export function CopyButton({ text, label }: { text: () => string; label: string }) {
  const [done, setDone] = useState<boolean | undefined>(undefined);
  const copy = async () => {
    setDone(await copyText(text()));
    setTimeout(() => setDone(undefined), 1500);
  };
  const says = done === undefined ? label : done ? 'Copied' : 'The browser does not allow it';
  return (
    <IconButton label={says} onClick={() => void copy()}>
      {done ? <Check /> : <Copy />}
    </IconButton>
  );
}
