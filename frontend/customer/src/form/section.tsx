// A section of the form, and the part of one that most customers need not see.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { hasProblem, useForm } from './context';
import type { FieldPath } from './draft';

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

interface MoreProps {
  title: string;
  /** Its fields: a value in one of them opens it, and so does a problem, each time that problems are found. */
  paths: readonly FieldPath[];
  /** What else opens it. */
  open?: boolean;
  children: ComponentChildren;
}

/** Closed until the customer opens it, or something in it needs to be seen. */
export function More({ title, paths, open = false, children }: MoreProps) {
  const { draft, problems } = useForm();
  const isNeeded = open || paths.some((path) => draft[path]);
  const [isOpen, setOpen] = useState(isNeeded);
  useEffect(() => {
    if (isNeeded) setOpen(true);
  }, [isNeeded]);
  useEffect(() => {
    if (hasProblem(problems, ...paths)) setOpen(true);
  }, [problems]);
  return (
    <details class="more" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="more__title">{title}</summary>
      <div class="grid">{children}</div>
    </details>
  );
}
