// An address: the settlement, out of the list or by its KLADR code, and the rest as people write it.

import { CITIES } from './cities';
import { useForm } from './context';
import { textOf } from './draft';
import { Below, described, Text } from './fields';
import { kladr } from './masks';

const OTHER = 'other';

export type PartyPath = `${'policyholder' | 'owner'}.${'person' | 'organisation'}`;

interface Props {
  path: PartyPath;
  city: string;
  address: string;
  isMe: boolean;
}

export function Address({ path, city, address, isMe }: Props) {
  return (
    <>
      <Settlement path={`${path}.address.kladr`} label={city} />
      <Text path={`${path}.address.text`} label={address} autoComplete={isMe ? 'street-address' : undefined} width="full" />
    </>
  );
}

function Settlement({ path, label }: { path: `${PartyPath}.address.kladr`; label: string }) {
  const { draft, set, problems } = useForm();
  const code = textOf(draft, path);
  const isListed = CITIES.some(([known]) => known === code);
  const id = isListed ? path : `${path}-city`;
  return (
    <>
      <div class={`field ${isListed ? 'field--full' : 'field--half'}${isListed && problems[path] ? ' field--wrong' : ''}`}>
        <div class="field__box">
          <label class="field__label" for={id}>
            {label}
          </label>
          <select
            id={id}
            class="field__input field__input--choice"
            value={isListed ? code : OTHER}
            onChange={({ currentTarget }) => set(path, currentTarget.value === OTHER ? '' : currentTarget.value)}
            {...(isListed && described(path, problems, undefined))}
          >
            {[...CITIES, [OTHER, 'Другой — по коду КЛАДР'] as const].map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </div>
        {isListed && <Below path={path} problem={problems[path]} />}
      </div>
      {!isListed && <Text path={path} label="Код КЛАДР" mask={kladr} inputMode="numeric" hint="11–19 цифр" code />}
    </>
  );
}
