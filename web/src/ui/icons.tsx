import type { ComponentChildren } from 'preact';

function icon(children: ComponentChildren) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const Plus = () => icon(<path d="M12 5v14M5 12h14" />);
export const Send = () => icon(<path d="M12 19V5m-6 6 6-6 6 6" />);
export const Stop = () => icon(<rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor" />);
export const Trash = () => icon(<path d="M5 7h14M10 7V4.500h4V7m-7.500 0 .8 12h9.400l.8-12M10 11v5m4-5v5" />);
export const Copy = () => icon(<path d="M9 9h10v10H9zM5 15V5h10" />);
export const Check = () => icon(<path d="m5 12.500 4.500 4.500L19 7.500" />);
export const Pencil = () => icon(<path d="m5 19 1-4L16 5l3 3L9 18zM14 7l3 3" />);
export const Again = () => icon(<path d="M19 12a7 7 0 1 1-2.100-5M19 4v4h-4" />);
export const Search = () => icon(<path d="M16 16l4 4M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13z" />);
export const Menu = () => icon(<path d="M4 7h16M4 12h16M4 17h16" />);
export const Gauge = () => icon(<path d="M4 16a8 8 0 1 1 16 0M12 16l4-5" />);
export const Leave = () => icon(<path d="M14 5H6v14h8M11 12h9m-3.500-3.500L20 12l-3.500 3.500" />);
export const Down = () => icon(<path d="M12 5v14m-6-6 6 6 6-6" />);
export const Close = () => icon(<path d="m6 6 12 12M18 6 6 18" />);
export const Sun = () =>
  icon(
    <path d="M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v1.500M12 19.500V21M3 12h1.500M19.500 12H21M5.600 5.600l1.100 1.100M17.300 17.300l1.100 1.100M5.600 18.400l1.100-1.100M17.300 6.700l1.100-1.100" />,
  );
export const Moon = () => icon(<path d="M19 14.500A7.500 7.500 0 0 1 9.500 5a7.500 7.500 0 1 0 9.500 9.500z" />);
export const Screen = () => icon(<path d="M4 5h16v11H4zM9 20h6M12 16v4" />);
export const Alert = () => icon(<path d="M12 4 3 19.500h18zM12 10v4.500M12 17v.1" />);

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 24c-1-6 .5-11.500 4-16M15.500 24c-1-6 .5-11.500 4-16M22 24c-1-6 .5-11.500 4-16" />
    </svg>
  );
}
