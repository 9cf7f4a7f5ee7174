import { modelless, status } from '../../state/gateway.js';
import { NoModel } from '../NoModel.js';
import { helpOpen } from '../overlays.js';

export function Welcome() {
  if (modelless.value) {
    return (
      <div class="middle">
        <NoModel />
      </div>
    );
  }
  const model = status.value?.model.model;
  return (
    <div class="middle empty">
      <h2>What is on your mind?</h2>
      <p class="muted">
        {model ? (
          <>
            <strong>{model}</strong> answers. What is said here is kept, and found again at the side.
          </>
        ) : (
          'What is said here is kept, and found again at the side.'
        )}
      </p>
      <p class="fine hide-touch">
        <kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> makes a new line,{' '}
        <button type="button" class="link" onClick={() => (helpOpen.value = true)}>
          all shortcuts
        </button>
      </p>
    </div>
  );
}
