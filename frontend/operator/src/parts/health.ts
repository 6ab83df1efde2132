// What is wrong with how a process finds its servers, its clock and its clients, in words. Limits: app/redis/fleet/process_health.py.
import { duration, number } from '../format';
import type { Process } from '../types';
import { t } from '../words';

const CLOCK_OFF_S_MAX = 2;
const UNHEARD_S_MAX = 5;

export function health({ health: { clockOffS = 0, unheardS }, stalled }: Process): string[] {
  return [
    (unheardS ?? 0) > UNHEARD_S_MAX ? `${t('c_NOTIFIER_DOWN')} ${duration(unheardS)}` : '',
    Math.abs(clockOffS) > CLOCK_OFF_S_MAX ? `${t('clockOf')} ${clockOffS < 0 ? '−' : '+'}${duration(Math.abs(clockOffS))}` : '',
    stalled ? `${t('stalledOf')} ${number(stalled)}` : '',
  ].filter(Boolean);
}
