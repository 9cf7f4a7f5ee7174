import { useEffect } from 'preact/hooks';
import { titleOf } from '../state/key.js';
import { route } from '../state/route.js';
import { Announcer } from './Announcer.js';
import { ConnectionBar } from './ConnectionBar.js';
import { Chat } from './chat/Chat.js';
import { Control } from './control/Control.js';
import { Help } from './Help.js';
import { drawerOpen, helpOpen } from './overlays.js';
import { installShortcuts } from './shortcuts.js';
import { Sidebar } from './sidebar/Sidebar.js';

export function Shell() {
  useEffect(installShortcuts, []);
  const { value: shown } = route;
  const name = shown.view === 'control' ? 'Gateway' : shown.key && titleOf(shown.key);
  // So that tabs, and the entries behind the back button, can be told apart.
  useEffect(() => {
    document.title = name ? `${name} · OpenClaw` : 'OpenClaw';
    return () => {
      document.title = 'OpenClaw';
    };
  }, [name]);
  return (
    <div class="shell" data-drawer={drawerOpen.value}>
      <Sidebar />
      {drawerOpen.value && (
        <button
          type="button"
          class="drawer-cover"
          aria-label="Close the list"
          onClick={() => (drawerOpen.value = false)}
        />
      )}
      <main class="main" inert={drawerOpen.value}>
        <ConnectionBar />
        {shown.view === 'control' ? <Control /> : <Chat sessionKey={shown.key} />}
      </main>
      {helpOpen.value && <Help />}
      <Announcer />
    </div>
  );
}
