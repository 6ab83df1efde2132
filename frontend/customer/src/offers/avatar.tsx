// An insurer's initials in a colour of its own.

import type { Insurer } from '../submit';

const COLOURS = 8;

export function Avatar({ insurer, small }: { insurer: Insurer; small?: boolean }) {
  const colour = [...insurer.id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % COLOURS;
  const initials = insurer.name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.charAt(0))
    .join('')
    .toUpperCase();
  return (
    <span class={`avatar avatar--${colour}${small ? ' avatar--small' : ''}`} aria-hidden="true">
      {initials}
    </span>
  );
}
