// The application form: four sections, an outline that shows what is still missing, and the button.

import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { submit, Submission } from '../submit';
import { counted } from '../words';
import { FormProvider } from './context';
import { Draft, DraftPath, keepDraft, keptDraft } from './draft';
import { example } from './example';
import { Problems, written } from './input';
import { Consent } from './consent';
import { Drivers } from './drivers';
import { Outline } from './outline';
import { Policyholder } from './parties';
import { Policy } from './policy';
import { ELSEWHERE, problemsByPath } from './problems';
import { Vehicle } from './vehicle';

interface Props {
  /** Found when the same application was sent again, elsewhere. */
  initialProblems: Problems;
  /** The customer has come from offers: a screen reader begins with the title. */
  takesFocus: boolean;
  /** The way back to offers. */
  earlier: ComponentChildren;
  onAccepted: (submission: Extract<Submission, { kind: 'accepted' }>, draft: Draft) => void;
}

const SECOND_MS = 1_000;

export function ApplicationForm({ initialProblems, takesFocus, earlier, onAccepted }: Props) {
  const [draft, setDraft] = useState(keptDraft);
  const [problems, setProblems] = useState<Problems>(initialProblems);
  const [trouble, setTrouble] = useState('');
  const [isSending, setSending] = useState(false);
  const [waitS, setWait] = useState(0);
  const [attempt, setAttempt] = useState(Object.keys(initialProblems).length ? 1 : 0);
  const form = useRef<HTMLFormElement>(null);
  const lacking = useMemo(() => written(draft).problems, [draft]);

  const latest = useRef(draft);
  const change = (next: (draft: Draft) => Draft) => {
    const was = latest.current;
    latest.current = next(was);
    keepDraft(latest.current);
    setDraft(latest.current);
    setProblems((now) => withoutChanged(now, was, latest.current));
  };
  const set = (path: DraftPath, value: string | boolean) => change((now) => ({ ...now, [path]: value }));

  const show = (found: Problems) => {
    setProblems(found);
    setTrouble('');
    setAttempt((now) => now + 1);
  };
  const send = async () => {
    const { input, problems: found } = written(draft);
    setWait(0);
    if (Object.keys(found).length) return show(found);
    setSending(true);
    setTrouble('');
    const submission = await submit(input);
    setSending(false);
    if (submission.kind === 'accepted') return onAccepted(submission, draft);
    if (submission.kind === 'problems') return show(problemsByPath(submission.problems, draft));
    setTrouble(submission.message);
    if (submission.kind === 'busy') setWait(submission.waitS);
  };

  useEffect(() => {
    if (attempt) focusFirstProblem(form.current);
  }, [attempt]);
  useEffect(() => {
    if (!waitS) return;
    const timer = setTimeout(() => (waitS > 1 ? setWait(waitS - 1) : void send()), SECOND_MS);
    return () => clearTimeout(timer);
  }, [waitS, draft]);

  return (
    <FormProvider value={{ draft, problems, set, change }}>
      <Welcome takesFocus={takesFocus && !attempt} onExample={() => (change(example), setProblems({}), setTrouble(''))} />
      {earlier}
      <div class="columns">
        <form
          ref={form}
          class="columns__main"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (!isSending) void send();
          }}
        >
          <Vehicle />
          <Policyholder />
          <Drivers />
          <Policy />
          <Consent />
          <Send isSending={isSending} problems={problems} trouble={trouble} waitS={waitS} />
        </form>
        <Outline lacking={lacking} problems={problems} />
      </div>
    </FormProvider>
  );
}

/** Keys of the draft alone; their problems are shown elsewhere. */
const PLACES: Readonly<Record<string, string>> = {
  'plate series': 'vehicle.licensePlate',
  'plate region': 'vehicle.licensePlate',
  'is consent given': 'consent',
  'are others informed': 'consent.othersInformed',
};

/** The problems that are left when these fields are not as they were; those of drivers move up with them. */
function withoutChanged(problems: Problems, was: Draft, is: Draft): Problems {
  const changed = (Object.keys({ ...was, ...is }) as DraftPath[]).filter((path) => was[path] !== is[path]);
  const places = new Set(changed.map((path) => PLACES[path] ?? path));
  if (![...places].some((place) => place in problems) && !(ELSEWHERE in problems)) return problems;
  return Object.fromEntries(Object.entries(problems).filter(([path]) => path !== ELSEWHERE && !places.has(path)));
}

function focusFirstProblem(form: HTMLFormElement | null): void {
  const first = form?.querySelector<HTMLElement>('[aria-invalid="true"], .field__problem');
  first?.focus({ preventScroll: true });
  const smooth = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  first?.scrollIntoView({ block: 'center', behavior: smooth ? 'smooth' : 'auto' });
}

function Welcome({ takesFocus, onExample }: { takesFocus: boolean; onExample: () => void }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takesFocus) title.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div class="welcome">
      <Picture />
      <h1 ref={title} tabIndex={-1}>
        ОСАГО: одно заявление&nbsp;&mdash;
        <br class="wide-only" /> цены всех страховых
      </h1>
      <p class="welcome__text">
        Заполните его один раз. Предложения появятся прямо здесь, по мере ответа компаний, и не позже чем через минуту.
      </p>
      <button type="button" class="button button--quiet" onClick={onExample}>
        Заполнить примером
      </button>
    </div>
  );
}

/** What is going to come, as a picture: offers, the cheapest on top. */
function Picture() {
  return (
    <div class="picture" aria-hidden="true">
      {PICTURED.map(([colour, price]) => (
        <div key={colour} class="picture__offer card">
          <span class={`avatar avatar--small avatar--${colour}`} />
          <span class="picture__name" />
          <b>{price} ₽</b>
        </div>
      ))}
    </div>
  );
}

const PICTURED = [
  [5, '8 240'],
  [0, '8 915'],
  [3, '9 460'],
] as const;

interface SendProps {
  isSending: boolean;
  problems: Problems;
  trouble: string;
  /** Seconds until it is sent by itself; 0 where it is not. */
  waitS: number;
}

function Send({ isSending, problems, trouble, waitS }: SendProps) {
  const count = Object.keys(problems).filter((path) => path !== ELSEWHERE).length;
  const told = count ? `Проверьте ${counted(count, 'поле', 'поля', 'полей')}: что не так, написано под каждым.` : '';
  const said = [problems[ELSEWHERE], told].filter(Boolean).join(' ');
  return (
    <div class="send">
      <div role="alert" class={trouble || said ? 'notice notice--wrong' : ''}>
        {trouble || said}
        {waitS > 0 && ' Отправим сами, как только будет можно.'}
      </div>
      <button type="submit" class="button button--main" aria-disabled={isSending}>
        {isSending ? 'Отправляем…' : waitS ? `Отправим через ${waitS} с` : trouble ? 'Отправить ещё раз' : 'Узнать цены'}
      </button>
    </div>
  );
}
