import { effect, signal } from '@preact/signals';

/** What the page shows. It stands in the address's fragment, which browsers do not send anywhere. */
export type Route = { view: 'chat'; key: string | undefined } | { view: 'control' };

export const route = signal(parse(location.hash));

let chat: Route = { view: 'chat', key: undefined };

effect(() => {
  if (route.value.view === 'chat') chat = route.value;
});

/** The conversation that is shown, or was before the gateway's view. */
export function lastChat(): Route {
  return chat;
}

addEventListener('hashchange', () => {
  route.value = parse(location.hash);
});

function parse(hash: string): Route {
  if (hash === '#/control') return { view: 'control' };
  const [, key] = /^#\/s\/(.+)$/.exec(hash) ?? [];
  try {
    return { view: 'chat', key: key && decodeURIComponent(key) };
  } catch {
    return { view: 'chat', key: undefined };
  }
}

export function hashOf(to: Route): string {
  if (to.view === 'control') return '#/control';
  return to.key === undefined ? '#/' : `#/s/${encodeURIComponent(to.key)}`;
}

export function go(to: Route): void {
  if (location.hash !== hashOf(to)) history.pushState(null, '', hashOf(to));
  route.value = to;
}

/** Says that the new session, which had no address yet, is this one: going back must not end in an empty one. */
export function settle(key: string): void {
  const to: Route = { view: 'chat', key };
  history.replaceState(null, '', hashOf(to));
  route.value = to;
}

export function openKey(): string | undefined {
  return route.value.view === 'chat' ? route.value.key : undefined;
}
