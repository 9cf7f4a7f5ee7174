import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const NAME = 'openclaw.theme';

function stored(): Theme {
  try {
    const value = localStorage.getItem(NAME);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system';
  }
}

export const theme = signal<Theme>(stored());

effect(() => {
  const { value } = theme;
  document.documentElement.dataset['theme'] = value;
  try {
    if (value === 'system') localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, value);
  } catch {
    // It holds for this page at least.
  }
});

export function nextTheme(): void {
  const order: Theme[] = ['system', 'light', 'dark'];
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length] ?? 'system';
}
