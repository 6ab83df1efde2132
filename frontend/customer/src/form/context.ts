// What every field of the form knows: the draft, the problems, and how to change a value.

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

import { Draft, DraftPath, EMPTY, FieldPath } from './draft';
import { Problems } from './input';

export interface Form {
  draft: Draft;
  problems: Problems;
  set: (path: DraftPath, value: string | boolean) => void;
  change: (next: (draft: Draft) => Draft) => void;
}

const Context = createContext<Form>({ draft: EMPTY, problems: {}, set: () => {}, change: () => {} });

export const FormProvider = Context.Provider;

export const useForm = (): Form => useContext(Context);

/** Whether something inside these paths has a problem: what hides it has to open. */
export const hasProblem = (problems: Problems, ...paths: FieldPath[]): boolean =>
  paths.some((path) => path in problems);
