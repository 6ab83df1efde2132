// Moves the entries of a list from where they were to where they are, so that the eye can follow. With reduced motion
// in the system's settings they change places at once.

import { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

const MOVE: KeyframeAnimationOptions = { duration: 520, easing: 'cubic-bezier(0.2, 0.8, 0.2, 1)' };
const ENTER: KeyframeAnimationOptions = { duration: 420, easing: 'cubic-bezier(0.2, 0.8, 0.2, 1)' };

const isStill = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** To be called while rendering: the document still shows what was before. */
export function useFlip<Element extends HTMLElement>(): RefObject<Element> {
  const list = useRef<Element>(null);
  const before = list.current && placesOf(list.current);
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (list.current && !isStill()) {
      for (const entry of entriesOf(list.current)) move(entry, before?.get(entry.dataset['key']), isFirst.current);
    }
    isFirst.current = false;
  });
  return list;
}

function move(entry: HTMLElement, was: number | undefined, isFirst: boolean): void {
  if (was === undefined) {
    if (!isFirst) entry.animate([{ opacity: 0, transform: 'translateY(24px) scale(0.98)' }, {}], ENTER);
  } else if (was !== entry.offsetTop) {
    // Added to a movement under way, so that none of them jumps.
    const by = `translateY(${was - entry.offsetTop}px)`;
    entry.animate([{ transform: by }, { transform: 'translateY(0)' }], { ...MOVE, composite: 'add' });
  }
}

const entriesOf = (list: HTMLElement) => [...list.children].filter((entry) => entry instanceof HTMLElement);

const placesOf = (list: HTMLElement) => new Map(entriesOf(list).map((entry) => [entry.dataset['key'], entry.offsetTop]));
