// The licence plate, drawn as it hangs on the car: letters and digits, and the region beside them.

import { useRef } from 'preact/hooks';

import { useForm } from './context';
import { textOf } from './draft';
import { Below, described, mend, mended } from './fields';
import { plateParts, plateRegion } from './masks';

export const PLATE = 'vehicle.licensePlate';
const HINT = 'Номера ещё нет? Оставьте поле пустым и выберите ПТС или ЭПТС.';
const FULL = /^\D \d{3} \D\D$/; // А 123 ВС: what follows is its region

export function Plate() {
  const { draft, set, problems } = useForm();
  const region = useRef<HTMLInputElement>(null);
  const problem = problems[PLATE];
  return (
    <div class={problem ? 'field field--full field--wrong' : 'field field--full'}>
      <div class="plate" role="group" aria-label="Государственный номер">
        <input
          id={PLATE}
          class="plate__series"
          value={textOf(draft, 'plate series')}
          placeholder="А 000 АА"
          autoComplete="off"
          autoCapitalize="characters"
          spellcheck={false}
          aria-label="Серия и номер"
          onInput={(event) => {
            const { series, region: pasted } = plateParts(event.currentTarget.value);
            mended(event.currentTarget, series);
            set('plate series', series);
            if (pasted) set('plate region', pasted);
            if (FULL.test(series) && event.currentTarget.selectionStart === series.length) region.current?.focus();
          }}
          {...described(PLATE, problems, HINT)}
        />
        <span class="plate__right">
          <input
            ref={region}
            id="plate-region"
            class="plate__region"
            value={textOf(draft, 'plate region')}
            placeholder="00"
            inputMode="numeric"
            autoComplete="off"
            aria-label="Код региона"
            onInput={(event) => set('plate region', mend(event.currentTarget, plateRegion))}
          />
          <span class="plate__country" aria-hidden="true">
            RUS
            <span class="plate__flag" />
          </span>
        </span>
      </div>
      <Below path={PLATE} problem={problem} hint={HINT} />
    </div>
  );
}
