// What is said of a call that was refused.
import { Refusal } from '../api';
import { duration } from '../format';
import { t } from '../words';

export function message(error: unknown): string {
  if (!(error instanceof Refusal)) return t('eINTERNAL');
  if (error.code === 'OFFLINE') return t('eOFFLINE');
  if (error.status === 429) return `${t('e429')} ${duration(Math.ceil(error.retryAfterS ?? 1))}.`;
  if (error.message) return error.message;
  if ([401, 403, 503].includes(error.status)) return t(`e${error.status}`);
  return t('eINTERNAL');
}
