// The outline beside the form: its sections, and how much each still lacks.

import { counted } from '../words';
import { Problems } from './input';

const SECTIONS = [
  ['vehicle', 'Автомобиль', /^vehicle\b/],
  ['policyholder', 'Страхователь', /^(policyholder|owner)\b/],
  ['drivers', 'Водители', /^drivers\b/],
  ['policy', 'Полис', /^(startsOn|usageMonths|previousPolicy)\b/],
  ['consent', 'Согласие', /^consent\b/],
] as const;

export function Outline({ lacking, problems }: { lacking: Problems; problems: Problems }) {
  return (
    <nav class="outline card" aria-label="Разделы заявления">
      <ol>
        {SECTIONS.map(([id, title, belongs]) => (
          <Line
            key={id}
            id={id}
            title={title}
            lacks={Object.keys(lacking).filter((path) => belongs.test(path)).length}
            wrong={Object.keys(problems).filter((path) => belongs.test(path)).length}
          />
        ))}
      </ol>
    </nav>
  );
}

function Line({ id, title, lacks, wrong }: { id: string; title: string; lacks: number; wrong: number }) {
  const state = wrong ? 'wrong' : lacks ? 'open' : 'done';
  return (
    <li>
      <a
        class={`outline__line outline__line--${state}`}
        href={`#section-${id}`}
        onClick={(event) => {
          event.preventDefault();
          document.getElementById(`section-${id}`)?.scrollIntoView({ behavior: 'smooth', block: 'start' });
          (document.getElementById(`title-${id}`) ?? document.getElementById(id))?.focus({ preventScroll: true });
        }}
      >
        <span class="outline__mark" aria-hidden="true" />
        <span>
          {title}
          <small>{wrong ? `исправить: ${wrong}` : lacks ? `осталось ${counted(lacks, 'поле', 'поля', 'полей')}` : 'заполнено'}</small>
        </span>
      </a>
    </li>
  );
}
