import { modelless, reachable, signOut, status } from '../../state/gateway.js';
import { hashOf, route } from '../../state/route.js';
import { liveRuns } from '../../state/runs.js';
import { nextTheme, type Theme, theme } from '../../state/theme.js';
import { IconButton } from '../Button.js';
import { Gauge, Leave, Logo, Moon, Plus, Screen, Sun } from '../icons.js';
import { drawerOpen, helpOpen } from '../overlays.js';
import { ALT, newSession } from '../shortcuts.js';
import { SessionList } from './SessionList.js';
import { SessionSearch } from './SessionSearch.js';

export function Sidebar() {
  return (
    <nav class="sidebar" aria-label="Sessions">
      <header class="sidebar-head">
        <Logo />
        <span class="brand">OpenClaw</span>
        <IconButton label={`New session (${ALT} N)`} class="accent" onClick={newSession}>
          <Plus />
        </IconButton>
      </header>
      <SessionSearch />
      <SessionList />
      <footer class="sidebar-foot">
        <GatewayLink />
        <ThemeButton />
        <IconButton label="Keyboard shortcuts (?)" onClick={() => (helpOpen.value = true)}>
          <span class="glyph">?</span>
        </IconButton>
        <IconButton label="Sign out" onClick={signOut}>
          <Leave />
        </IconButton>
      </footer>
    </nav>
  );
}

function GatewayLink() {
  const [state, words] = health();
  const here = route.value.view === 'control';
  const running = liveRuns.value.length;
  return (
    <a
      class="gateway-link"
      href={hashOf({ view: 'control' })}
      aria-current={here ? 'page' : undefined}
      onClick={() => (drawerOpen.value = false)}
    >
      <Gauge />
      <span class="gateway-words">
        Gateway
        <small>
          <span class="dot" data-state={state} aria-hidden="true" />
          {running > 0 && state === 'healthy' ? `${running} answering` : words}
        </small>
      </span>
    </a>
  );
}

function health(): [state: string, words: string] {
  if (!reachable.value) return ['down', 'no answer'];
  if (status.value === undefined) return ['unknown', 'asking…'];
  if (modelless.value) return ['degraded', 'no model'];
  return [status.value.status, status.value.status];
}

const themes: Record<Theme, { label: string; icon: () => preact.JSX.Element }> = {
  system: { label: 'Colours: as the system', icon: Screen },
  light: { label: 'Colours: light', icon: Sun },
  dark: { label: 'Colours: dark', icon: Moon },
};

function ThemeButton() {
  const { label, icon: Icon } = themes[theme.value];
  return (
    <IconButton label={label} onClick={nextTheme}>
      <Icon />
    </IconButton>
  );
}
