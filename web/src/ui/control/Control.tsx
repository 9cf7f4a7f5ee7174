import { modelless } from '../../state/gateway.js';
import { IconButton } from '../Button.js';
import { Menu } from '../icons.js';
import { NoModel } from '../NoModel.js';
import { openDrawer } from '../overlays.js';
import { GatewayCard } from './GatewayCard.js';
import { RunsCard } from './RunsCard.js';
import { TokenCard } from './TokenCard.js';
import { UsageCard } from './UsageCard.js';

/** How the gateway is doing, and what this token may and does. */
export function Control() {
  return (
    <div class="control">
      <header class="head">
        <IconButton label="Sessions" class="menu-button" onClick={openDrawer}>
          <Menu />
        </IconButton>
        <div class="head-words">
          <h1>Gateway</h1>
        </div>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="control-body" tabIndex={0} aria-label="How the gateway is doing">
        <div class="control-grid">
          {modelless.value && <NoModel />}
          <GatewayCard />
          <TokenCard />
          <RunsCard />
          <UsageCard />
        </div>
      </section>
    </div>
  );
}
