import { reachable } from '../state/gateway.js';

/** Says that the gateway is away, for as long as it is. */
export function ConnectionBar() {
  if (reachable.value) return null;
  return (
    <div class="connection-bar" role="alert">
      <span class="pulse" aria-hidden="true" />
      <span>
        <strong>The gateway does not answer.</strong> The page reconnects by itself. Nothing that was sent is lost.
      </span>
    </div>
  );
}
