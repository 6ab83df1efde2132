// The fields of the form: a label, a value, a problem beside it. A field's id is the API's path.

import type { ComponentChildren, JSX } from 'preact';

import { useForm } from './context';
import { isSet, textOf } from './draft';
import { caretAfter, Mask } from './masks';

interface FieldProps {
  path: string;
  label: string;
  hint?: string | undefined;
  optional?: boolean;
  width?: 'full' | 'half' | 'third' | 'pair' | undefined;
}

interface TextProps extends FieldProps {
  mask?: Mask | undefined;
  inputMode?: 'numeric' | 'decimal' | 'tel' | 'email' | undefined;
  autoComplete?: string | undefined;
  placeholder?: string | undefined;
  maxLength?: number | undefined;
  code?: boolean | undefined;
}

export function Text({ path, mask, code, inputMode, autoComplete, placeholder, maxLength, ...rest }: TextProps) {
  const { draft, set, problems } = useForm();
  const input = (event: JSX.TargetedInputEvent<HTMLInputElement>) => set(path, mend(event.currentTarget, mask));
  return (
    <Box path={path} {...rest}>
      <input
        id={path}
        class={code ? 'field__input field__input--code' : 'field__input'}
        value={textOf(draft, path)}
        onInput={input}
        inputMode={inputMode}
        autoComplete={autoComplete ?? 'off'}
        autoCapitalize={code ? 'characters' : undefined}
        spellcheck={false}
        placeholder={placeholder}
        maxLength={maxLength}
        aria-required={!rest.optional}
        {...described(path, problems, rest.hint)}
      />
    </Box>
  );
}

/** Puts the masked value into the field, with the caret where the customer left it. */
export function mend(field: HTMLInputElement, mask: Mask | undefined): string {
  if (!mask) return field.value;
  const typed = field.value;
  const masked = mask(typed);
  if (masked !== typed) {
    const caret = caretAfter(typed, field.selectionStart ?? typed.length, masked);
    field.value = masked;
    field.setSelectionRange(caret, caret);
  }
  return masked;
}

interface ChoiceProps extends FieldProps {
  options: readonly (readonly [value: string, name: string])[];
}

export function Choice({ path, options, ...rest }: ChoiceProps) {
  const { draft, set, problems } = useForm();
  return (
    <Box path={path} {...rest}>
      <select
        id={path}
        class="field__input field__input--choice"
        value={textOf(draft, path)}
        onChange={(event) => set(path, event.currentTarget.value)}
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
export function Segments({ path, label, options }: ChoiceProps) {
  const { draft, set } = useForm();
  return (
    <fieldset class="segments">
      <legend class="visually-hidden">{label}</legend>
      {options.map(([value, name]) => (
        <label key={value} class="segments__one">
          <input
            type="radio"
            name={path}
            value={value}
            checked={textOf(draft, path) === value}
            onChange={() => set(path, value)}
          />
          <span>{name}</span>
        </label>
      ))}
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

function Box({ path, label, hint, optional, width = 'half', children }: FieldProps & { children: ComponentChildren }) {
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
