// A section of the form, and the part of one that most customers need not see.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

interface SectionProps {
  id: string;
  title: string;
  number: number;
  /** Beside the title. */
  aside?: ComponentChildren;
  children: ComponentChildren;
}

export function Section({ id, title, number, aside, children }: SectionProps) {
  return (
    <section class="section card" id={`section-${id}`} aria-labelledby={`title-${id}`}>
      <div class="section__head">
        <h2 class="section__title" id={`title-${id}`} tabIndex={-1}>
          <span class="section__number" aria-hidden="true">
            {number}
          </span>
          {title}
        </h2>
        {aside}
      </div>
      <div class="grid">{children}</div>
    </section>
  );
}

/** Closed until the customer opens it. */
export function Folded({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <details class="more">
      <summary class="more__title">{title}</summary>
      {children}
    </details>
  );
}

/** Closed until the customer opens it, or something in it needs to be seen. */
export function More({ title, open, children }: { title: string; open: boolean; children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(open);
  useEffect(() => {
    if (open) setOpen(true);
  }, [open]);
  return (
    <details class="more" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="more__title">{title}</summary>
      <div class="grid">{children}</div>
    </details>
  );
}
