import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { conversation } from '../../state/conversation.js';
import { draftOf, forgetDraft, putBack, saveDraft } from '../../state/drafts.js';
import { newKey } from '../../state/key.js';
import { permissions } from '../../state/permissions.js';
import { settle } from '../../state/route.js';
import { runs, send, stop } from '../../state/runs.js';
import { count } from '../format.js';
import { Send, Stop } from '../icons.js';
import { COMPOSER } from '../shortcuts.js';

/** What the gateway takes, in bytes of UTF-8. */
const MAX = 256 * 1024;
const WARN = MAX * 0.9;

const touch = matchMedia('(pointer: coarse)');

export function Composer({ sessionKey }: { sessionKey: string | undefined }) {
  const [text, setText] = useState(() => draftOf(sessionKey));
  const box = useRef<HTMLTextAreaElement>(null);
  const run = sessionKey === undefined ? undefined : runs.value.get(sessionKey);
  const live = run !== undefined && run.phase.value !== 'ended';
  const stopping = run?.phase.value === 'stopping';
  const size = text.length > WARN / 4 ? new TextEncoder().encode(text).length : text.length;
  const mute = permissions.value.chat === false;

  const change = (next: string) => {
    setText(next);
    saveDraft(sessionKey, next);
  };
  const submit = () => {
    if (text.trim() === '' || live || size > MAX || mute) return;
    forgetDraft(sessionKey);
    setText('');
    const key = sessionKey ?? newKey(text);
    if (sessionKey === undefined) conversation(key).phase.value = 'ready';
    send(key, text);
    if (sessionKey === undefined) settle(key);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Safari says 229 instead of isComposing for the Enter that ends a composition.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey && !touch.matches) {
      event.preventDefault();
      submit();
    } else if (event.key === 'ArrowUp' && text === '' && !event.altKey && sessionKey !== undefined) {
      const last = conversation(sessionKey).messages.value.findLast((m) => m.role === 'user');
      if (!last) return;
      event.preventDefault();
      change(last.content);
    }
  };

  useGrow(box, text);
  useEffect(() => {
    if (!touch.matches) box.current?.focus({ preventScroll: true });
  }, []);
  // Others put text here too: whoever wants to edit what was said, or takes back what was not sent.
  const times = putBack.value;
  const seen = useRef(times);
  useEffect(() => {
    if (times === seen.current) return;
    seen.current = times;
    setText(draftOf(sessionKey));
    box.current?.focus();
  }, [times]);

  return (
    <div class="composer">
      {size > WARN && (
        <p class="composer-note" role="status" data-over={size > MAX}>
          {count(size)} of {count(MAX)} bytes
          {size > MAX && ': too long to send in one message'}
        </p>
      )}
      <div class="composer-box">
        <textarea
          id={COMPOSER}
          ref={box}
          rows={1}
          dir="auto"
          value={text}
          disabled={mute}
          placeholder={mute ? 'This token may not chat' : 'Write a message'}
          aria-label="Message"
          onInput={(event) => change(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {live ? (
          <button
            type="button"
            class="send stop"
            aria-label={stopping ? 'Stopping' : 'Stop the answer'}
            title="Stop the answer (Esc)"
            disabled={stopping}
            onClick={() => void stop(run)}
          >
            <Stop />
          </button>
        ) : (
          <button
            type="button"
            class="send"
            aria-label="Send"
            title="Send (Enter)"
            disabled={text.trim() === '' || size > MAX || mute}
            onClick={submit}
          >
            <Send />
          </button>
        )}
      </div>
    </div>
  );
}

/** Makes a box as high as its text, as far as the style allows. */
function useGrow(box: { current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const grow = () => {
      if (!box.current) return;
      box.current.style.height = 'auto';
      box.current.style.height = `${box.current.scrollHeight}px`;
    };
    grow();
    addEventListener('resize', grow); // a phone that is turned breaks the lines elsewhere
    return () => removeEventListener('resize', grow);
  }, [text]);
}
