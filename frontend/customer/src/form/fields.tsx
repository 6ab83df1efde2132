// The fields of the form: a label, a value, a problem beside it. A field's id is the API's path.

import type { ComponentChildren, JSX } from 'preact';

import { useForm } from './context';
import { DraftPath, fieldAt, FieldPath, isSet, textOf } from './draft';
import { isRequired as isRequiredAt } from './input';
import { caretAfter, date, decimal, Mask } from './masks';

interface FieldProps {
  path: DraftPath;
  label: string;
  hint?: string | undefined;
  width?: 'full' | 'half' | 'third' | 'pair' | undefined;
}

interface TextProps extends FieldProps {
  path: FieldPath;
  /** As the table has it if left out. */
  optional?: boolean;
  mask?: Mask | undefined;
  inputMode?: 'numeric' | 'decimal' | 'tel' | 'email' | undefined;
  autoComplete?: string | undefined;
  placeholder?: string | undefined;
  code?: boolean | undefined;
}

/** How values of a kind are typed. */
const TYPED: Readonly<Record<string, Pick<TextProps, 'mask' | 'inputMode' | 'placeholder'>>> = {
  date: { mask: date, inputMode: 'numeric', placeholder: 'ДД.ММ.ГГГГ' },
  decimal: { mask: decimal, inputMode: 'decimal' },
  whole: { inputMode: 'numeric' },
};

export function Text({ path, ...props }: TextProps) {
  const { kind } = fieldAt(path);
  const { mask, code, inputMode, autoComplete, placeholder, ...rest } = {
    optional: !isRequiredAt(path),
    ...TYPED[kind],
    ...props,
  };
  const { draft, set, problems } = useForm();
  const input = (event: JSX.TargetedInputEvent<HTMLInputElement>) => set(path, mend(event.currentTarget, mask));
  const leave = ({ currentTarget: { value } }: JSX.TargetedFocusEvent<HTMLInputElement>) => {
    const masked = mask?.(value, true) ?? value;
    if (masked !== value) set(path, masked);
  };
  return (
    <Box path={path} {...rest}>
      <input
        id={path}
        class={code ? 'field__input field__input--code' : 'field__input'}
        value={textOf(draft, path)}
        onInput={input}
        onBlur={leave}
        inputMode={inputMode}
        autoComplete={autoComplete ?? 'off'}
        autoCapitalize={code ? 'characters' : undefined}
        spellcheck={false}
        placeholder={placeholder}
        aria-required={!rest.optional}
        {...described(path, problems, rest.hint)}
      />
    </Box>
  );
}

/** Puts the masked value into the field, with the caret where the customer left it. */
export function mend(field: HTMLInputElement, mask: Mask | undefined): string {
  return mask ? mended(field, mask(field.value)) : field.value;
}

export function mended(field: HTMLInputElement, masked: string): string {
  const typed = field.value;
  if (masked !== typed) {
    const caret = caretAfter(typed, field.selectionStart ?? typed.length, masked);
    field.value = masked;
    field.setSelectionRange(caret, caret);
  }
  return masked;
}

interface ChoiceProps extends FieldProps {
  options: readonly (readonly [value: string, name: string])[];
  /** As the draft has it if left out. */
  value?: string;
  onChoice?: (value: string) => void;
}

/** The first option stands for a field of which nothing is known. */
export function Choice({ path, options, value, onChoice, ...rest }: ChoiceProps) {
  const { draft, set, problems } = useForm();
  return (
    <Box path={path} {...rest}>
      <select
        id={path}
        class="field__input field__input--choice"
        value={value ?? (textOf(draft, path) || options[0]?.[0])}
        onChange={({ currentTarget }) => (onChoice ?? ((chosen) => set(path, chosen)))(currentTarget.value)}
        {...described(path, problems, rest.hint)}
      >
        {options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </Box>
  );
}

/** A few choices beside each other. */
export function Segments({ path, label, options, value = '' }: ChoiceProps) {
  const { draft, set, problems } = useForm();
  const chosen = value || textOf(draft, path);
  return (
    <fieldset class="segments">
      <legend class="visually-hidden">{label}</legend>
      {options.map(([option, name]) => (
        <label key={option} class="segments__one">
          <input
            type="radio"
            name={path}
            value={option}
            checked={chosen === option}
            onChange={() => set(path, option)}
          />
          <span>{name}</span>
        </label>
      ))}
      <Below path={path} problem={problems[path]} />
    </fieldset>
  );
}

export function Switch({ path, label, hint }: FieldProps) {
  const { draft, set } = useForm();
  return (
    <label class="switch">
      <input
        id={path}
        type="checkbox"
        role="switch"
        checked={isSet(draft, path)}
        onChange={(event) => set(path, event.currentTarget.checked)}
      />
      <span class="switch__track" aria-hidden="true" />
      <span>
        {label}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}

interface TickProps {
  /** The path of its problem. */
  id: string;
  label: string;
  isOn: boolean;
  onTurn: (isOn: boolean) => void;
}

export function Tick({ id, label, isOn, onTurn }: TickProps) {
  const { problems } = useForm();
  return (
    <div class={problems[id] ? 'field field--full field--wrong' : 'field field--full'}>
      <label class="tick">
        <input
          id={id}
          type="checkbox"
          checked={isOn}
          aria-required
          onChange={({ currentTarget }) => onTurn(currentTarget.checked)}
          {...described(id, problems, undefined)}
        />
        <span>{label}</span>
      </label>
      <Below path={id} problem={problems[id]} />
    </div>
  );
}

interface BoxProps extends FieldProps {
  optional?: boolean;
  children: ComponentChildren;
}

function Box({ path, label, hint, optional, width = 'half', children }: BoxProps) {
  const { problems } = useForm();
  const problem = problems[path];
  return (
    <div class={`field field--${width}${problem ? ' field--wrong' : ''}`}>
      <div class="field__box">
        <label class="field__label" for={path}>
          {label}
          {optional && <span class="field__optional"> · если есть</span>}
        </label>
        {children}
      </div>
      <Below path={path} problem={problem} hint={hint} />
    </div>
  );
}

export function Below({ path, problem, hint }: { path: string; problem: string | undefined; hint?: string | undefined }) {
  if (problem) {
    return (
      <p class="field__problem" id={`${path}-problem`}>
        {problem}
      </p>
    );
  }
  return hint ? (
    <p class="field__hint" id={`${path}-hint`}>
      {hint}
    </p>
  ) : null;
}

/** ARIA's words for what stands below a field. */
export function described(path: string, problems: Readonly<Record<string, string>>, hint: string | undefined) {
  const below = path in problems ? `${path}-problem` : hint ? `${path}-hint` : undefined;
  return { 'aria-invalid': path in problems, 'aria-describedby': below };
}
