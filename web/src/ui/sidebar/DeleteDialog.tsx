import { useState } from 'preact/hooks';
import { forget } from '../../state/activity.js';
import { titleOf } from '../../state/key.js';
import { type Problem, problemOf } from '../../state/problem.js';
import { deleteSession } from '../../state/sessions.js';
import { announce } from '../Announcer.js';
import { Dialog } from '../Dialog.js';
import { plural } from '../format.js';
import { ProblemCard } from '../ProblemCard.js';

interface DeleteDialogProps {
  sessionKey: string;
  /** Undefined where that is not known. */
  messageCount: number | undefined;
  onClose: () => void;
}

export function DeleteDialog({ sessionKey, messageCount, onClose }: DeleteDialogProps) {
  const [deleting, setDeleting] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const confirm = async (button: HTMLElement) => {
    setDeleting(true);
    const item = button.closest('.session-item');
    const next = item?.nextElementSibling ?? item?.previousElementSibling;
    try {
      await deleteSession(sessionKey);
      announce('Session deleted.');
      onClose();
      forget(sessionKey);
      // Whoever goes through the list by keyboard goes on from there.
      requestAnimationFrame(() => next?.querySelector('a')?.focus());
    } catch (error) {
      setProblem(problemOf(error));
      setDeleting(false);
    }
  };
  return (
    <Dialog title="Delete this session?" onClose={onClose}>
      <p>
        <strong class="break">{titleOf(sessionKey)}</strong>
      </p>
      <p>
        {messageCount === undefined ? 'All its messages' : plural(messageCount, 'message')} will be erased from the
        gateway, for every token that sees this session. This cannot be undone.
      </p>
      {problem && <ProblemCard problem={problem} />}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <button
          type="button"
          class="button danger"
          disabled={deleting}
          onClick={(event) => void confirm(event.currentTarget)}
        >
          {deleting ? 'Deleting…' : 'Delete'}
        </button>
      </div>
    </Dialog>
  );
}
