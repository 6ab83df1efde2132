// The page as a whole: the form at `#`, a request's offers at `#/<number>`.

import { useEffect, useState } from 'preact/hooks';

import { acceptDraft, Draft, keptDraft, textOf, titleOf } from './form/draft';
import { ApplicationForm } from './form/form';
import { Problems, problemsByPath, written } from './form/input';
import { keep, tidy } from './offers/kept';
import { Offers } from './offers/offers';
import { begun } from './offers/state';
import { Accepted, submit } from './submit';

const TIDY_EVERY_MS = 10_000;

const numberIn = (hash: string) => /^#\/([0-9A-Z-]{14})$/.exec(hash)?.[1] ?? null;

export function App() {
  const [number, setNumber] = useState(() => {
    tidy(Date.now()); // before anything is read of what was kept
    return numberIn(location.hash);
  });
  const [problems, setProblems] = useState<Problems>({});
  useEffect(() => {
    const follow = () => setNumber(numberIn(location.hash));
    addEventListener('hashchange', follow);
    const tidying = setInterval(() => tidy(Date.now()), TIDY_EVERY_MS);
    return () => {
      clearInterval(tidying);
      removeEventListener('hashchange', follow);
    };
  }, []);

  const show = (accepted: Accepted, draft: Draft) => {
    keep(begun(accepted, titleOf(draft), Date.now()));
    acceptDraft(draft);
    location.hash = `/${accepted.number}`;
    scrollTo(0, 0);
  };
  const change = (found: Problems = {}) => {
    setProblems(found);
    location.hash = '';
    scrollTo(0, 0);
  };
  return (
    <>
      <Top />
      <main class="page">
        {number ? (
          <Offers key={number} number={number} onAskAgain={() => askAgain(show, change)} onChange={() => change()} />
        ) : (
          <ApplicationForm initialProblems={problems} onAccepted={({ accepted }, draft) => show(accepted, draft)} />
        )}
      </main>
    </>
  );
}

/** Submits the same application once more; an obstacle is returned, or shown in the form. */
async function askAgain(
  show: (accepted: Accepted, draft: Draft) => void,
  change: (problems?: Problems) => void,
): Promise<string | null> {
  const draft = keptDraft();
  const { input, problems } = written(draft);
  if (!textOf(draft, 'vehicle.make') || Object.keys(problems).length) return change(problems), null;
  const submission = await submit(input, true);
  if (submission.kind === 'trouble') return submission.message;
  if (submission.kind === 'problems') change(problemsByPath(submission.problems));
  else show(submission.accepted, draft);
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
