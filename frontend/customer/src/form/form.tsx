// The application form: four sections, an outline that shows what is still missing, and the button.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { submit, Submission } from '../submit';
import { counted } from '../words';
import { FormProvider } from './context';
import { Draft, DraftPath, keepDraft, keptDraft } from './draft';
import { example } from './example';
import { Problems, problemsByPath, written } from './input';
import { Outline } from './outline';
import { Drivers, Policyholder } from './people';
import { Policy } from './policy';
import { Vehicle } from './vehicle';

interface Props {
  /** Found when the same application was sent again, elsewhere. */
  initialProblems: Problems;
  onAccepted: (submission: Extract<Submission, { kind: 'accepted' }>, draft: Draft) => void;
}

export function ApplicationForm({ initialProblems, onAccepted }: Props) {
  const [draft, setDraft] = useState(keptDraft);
  const [problems, setProblems] = useState<Problems>(initialProblems);
  const [trouble, setTrouble] = useState('');
  const [isSending, setSending] = useState(false);
  const [attempt, setAttempt] = useState(Object.keys(initialProblems).length ? 1 : 0);
  const form = useRef<HTMLFormElement>(null);
  const lacking = useMemo(() => written(draft).problems, [draft]);

  const change = (next: (draft: Draft) => Draft) =>
    setDraft((now) => {
      const changed = next(now);
      keepDraft(changed);
      return changed;
    });
  const set = (path: DraftPath, value: string | boolean) => {
    change((now) => ({ ...now, [path]: value }));
    setProblems((now) => without(now, path));
  };

  const show = (found: Problems) => {
    setProblems(found);
    setTrouble('');
    setAttempt((now) => now + 1);
  };
  const send = async () => {
    const { input, problems: found } = written(draft);
    if (Object.keys(found).length) return show(found);
    setSending(true);
    setTrouble('');
    const submission = await submit(input);
    setSending(false);
    if (submission.kind === 'accepted') onAccepted(submission, draft);
    else if (submission.kind === 'problems') show(problemsByPath(submission.problems));
    else setTrouble(submission.message);
  };

  useEffect(() => {
    if (attempt) focusFirstProblem(form.current);
  }, [attempt]);

  return (
    <FormProvider value={{ draft, problems, set, change }}>
      <Welcome onExample={() => (change(example), setProblems({}), setTrouble(''))} />
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
          <Send isSending={isSending} problems={Object.keys(problems).length} trouble={trouble} />
        </form>
        <Outline lacking={lacking} problems={problems} />
      </div>
    </FormProvider>
  );
}

/** Without the problem of this field; the plate's two parts share one. */
function without(problems: Problems, path: DraftPath): Problems {
  const place = path.startsWith('plate ') ? 'vehicle.licensePlate' : path;
  if (!(place in problems)) return problems;
  return Object.fromEntries(Object.entries(problems).filter(([known]) => known !== place));
}

function focusFirstProblem(form: HTMLFormElement | null): void {
  const first = form?.querySelector<HTMLElement>('[aria-invalid="true"], .field__problem');
  first?.focus({ preventScroll: true });
  const smooth = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  first?.scrollIntoView({ block: 'center', behavior: smooth ? 'smooth' : 'auto' });
}

function Welcome({ onExample }: { onExample: () => void }) {
  return (
    <div class="welcome">
      <Picture />
      <h1>
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

function Send({ isSending, problems, trouble }: { isSending: boolean; problems: number; trouble: string }) {
  const said = problems ? `Проверьте ${counted(problems, 'поле', 'поля', 'полей')}: что не так, написано под каждым.` : '';
  return (
    <div class="send">
      <div role="alert" class={trouble || said ? 'notice notice--wrong' : ''}>
        {trouble || said}
      </div>
      <button type="submit" class="button button--main" aria-disabled={isSending}>
        {isSending ? 'Отправляем…' : trouble ? 'Отправить ещё раз' : 'Узнать цены'}
      </button>
      <p class="send__note">Данные получат только страховые компании, чтобы рассчитать цену.</p>
    </div>
  );
}
