// The page as a whole: the form at `#`, a request's offers at `#/<number>`.

import { useEffect, useRef, useState } from 'preact/hooks';

import { serverNow } from './clock';
import { acceptDraft, acceptedDraft, Draft, driverNames, keptDraft, showDraft, titleOf } from './form/draft';
import { ApplicationForm } from './form/form';
import { Problems, written } from './form/input';
import { problemsByPath } from './form/problems';
import { Earlier } from './offers/earlier';
import { keep, tidy } from './offers/kept';
import { Offers } from './offers/offers';
import { begun } from './offers/state';
import { Accepted, submit } from './submit';

const TIDY_EVERY_MS = 10_000;

const numberIn = (hash: string) => /^#\/([0-9A-Z-]{14})$/.exec(hash)?.[1] ?? null;

export function App() {
  const [number, setNumber] = useState(() => {
    tidy(serverNow()); // before anything is read of what was kept
    return numberIn(location.hash);
  });
  const [problems, setProblems] = useState<Problems>({});
  const first = useRef(number);
  useEffect(() => {
    const follow = () => {
      const shown = numberIn(location.hash);
      if (shown) setProblems({}); // they belonged to the form as it was left
      setNumber(shown);
    };
    addEventListener('hashchange', follow);
    const tidying = setInterval(() => tidy(serverNow()), TIDY_EVERY_MS);
    return () => {
      clearInterval(tidying);
      removeEventListener('hashchange', follow);
    };
  }, []);
  const hasMoved = useRef(false);
  hasMoved.current ||= number !== first.current;

  const show = (accepted: Accepted, draft: Draft, earlier?: string) => {
    keep(begun(accepted, titleOf(draft), serverNow(), earlier));
    acceptDraft(draft, accepted.number);
    setProblems({});
    location.hash = `/${accepted.number}`;
    scrollTo(0, 0);
  };
  const change = (found: Problems = {}) => {
    if (number) showDraft(number);
    setProblems(found);
    location.hash = '';
    scrollTo(0, 0);
  };
  return (
    <>
      <Top />
      <main class="page">
        {number ? (
          <Offers
            key={number}
            number={number}
            drivers={driverNames(number)}
            onAskAgain={(insurerIds) => askAgain(number, insurerIds, show, change)}
            onChange={(found = []) => change(problemsByPath(found, acceptedDraft(number) ?? keptDraft()))}
          />
        ) : (
          <ApplicationForm
            initialProblems={problems}
            takesFocus={hasMoved.current}
            earlier={<Earlier />}
            onAccepted={({ accepted }, draft) => show(accepted, draft)}
          />
        )}
      </main>
    </>
  );
}

/** Submits the same application once more, to these insurers alone or to all; an obstacle is returned, or shown in the form. */
async function askAgain(
  number: string,
  insurerIds: readonly string[] | undefined,
  show: (accepted: Accepted, draft: Draft, earlier?: string) => void,
  change: (problems?: Problems) => void,
): Promise<string | null> {
  const draft = acceptedDraft(number);
  const { input, problems } = draft ? written(draft) : { input: {}, problems: {} };
  if (!draft || Object.keys(problems).length) return change(problems), null;
  const submission = await submit(input, { isNew: true, insurerIds });
  if (submission.kind === 'trouble') return submission.message;
  if (submission.kind === 'busy') return `${submission.message} Попробуйте ещё раз через ${submission.waitS} с.`;
  if (submission.kind === 'problems') change(problemsByPath(submission.problems, draft));
  else show(submission.accepted, draft, insurerIds && number);
  return null;
}

function Top() {
  return (
    <header class="top">
      <a class="top__brand" href="#">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="10" />
          <path d="M8.5 16.6l5 5 10-11" />
        </svg>
        ОСАГО сразу
      </a>
    </header>
  );
}
