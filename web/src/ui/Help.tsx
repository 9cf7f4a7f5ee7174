import { Dialog } from './Dialog.js';
import { helpOpen } from './overlays.js';
import { ALT, COMMAND } from './shortcuts.js';

const shortcuts: [string[], string][] = [
  [['Enter'], 'Send the message'],
  [['Shift', 'Enter'], 'New line'],
  [['Esc'], 'Stop the answer'],
  [['↑'], 'Edit the last message, from an empty box'],
  [['/'], 'Go to the message box'],
  [[COMMAND, 'K'], 'Search sessions'],
  [[ALT, 'N'], 'New session'],
  [[ALT, '↑'], 'Session above'],
  [[ALT, '↓'], 'Session below'],
  [[ALT, 'G'], 'Gateway view, and back'],
  [['?'], 'This help'],
];

export function Help() {
  const close = () => {
    helpOpen.value = false;
  };
  return (
    <Dialog title="Keyboard" onClose={close}>
      <dl class="shortcuts">
        {shortcuts.map(([keys, what]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
