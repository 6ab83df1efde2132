/** One run of the operation in the editor, with the headers of the headers editor. */
import type { Variables } from './lastCreated';

export type Request = {
  readonly query: string;
  readonly variables?: Variables;
  readonly operationName?: string | null;
  readonly headers: Readonly<Record<string, string>>;
};
