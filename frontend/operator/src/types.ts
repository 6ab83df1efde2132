// What /operator/api answers: app/overview/system_snapshot.py, app/story/request_story.py, app/api/console/.

export interface Concern { code: string; subject?: string; value?: number; detail?: string; urgency?: 'ALARM' | 'NOTICE'; usual?: number; runbook?: string }
export interface Limit { count: number | null; perS: number | null; pausedS: number; byControl: boolean }
export interface Circuit { state: 'AVAILABLE' | 'RECOVERING' | 'UNAVAILABLE'; openS: number; openings: number; forced: string | null }
export interface Pause { why: string; by: string; since: string | null; until: string | null; hold: boolean }
export interface Insurer {
  id: string; name: string; waiting: number | null; oldestS: number | null; inFlight: number; places: number; workers: number;
  answers: Record<string, number>; calls: Record<string, number>; askingP50S: number | null; askingP99S: number | null;
  createLimit: Limit; pollLimit: Limit; circuit: Circuit | null; pause: Pause | null;
  steps: Record<string, { calls?: Record<string, number>; meanS?: number | null; usualS?: number | null }>;
  trouble: string | null;
}
export interface NearEnd { id: string; leftS: number; asked: number; missing: string[] }
export interface Process {
  kind: 'api' | 'worker'; name: string; host: string; pid: number; startedAt: string; state: 'WORKING' | 'DRAINING' | 'SILENT' | 'FAILING';
  seenS: number; beatS: number | null; failing: string[]; lanes: Record<string, { inFlight?: number; places?: number }>; inFlight: number; sockets: number; stalled: number;
  health: { looks?: Record<string, number>; clockOffS?: number; unheardS?: number | null };
}
export interface Snapshot {
  form: number; at: string; windowS: number; slotS: number; servers: Record<string, string>; series: Record<string, number[]>;
  requests: {
    open: number | null; near: number | null; overdue: number | null; first: NearEnd[]; accepted: number; ended: Record<string, number>;
    late: number; inTime: number | null;
  };
  push: { frames: number; p50S: number | null; p99S: number | null; within500Ms: number | null };
  insurers: Insurer[]; processes: Process[]; deadLetters: number | null; concerns: Concern[]; outboxS: number | null;
}
export interface Session { subject: string; scopes: string[]; expiresAt: string }
export interface Control { kind: string; subject: string; setting: string; why: string; by: string; since: string; until: string | null }
export interface AuditEntry {
  id: number; at: string; action: string; kind: string; subject: string; setting: string; why: string; by: string; until: string | null; requests: number;
}
export interface Letter {
  id: string; at: string; insurer: string; request: string; deliveries: number; reason: string; trace: string;
  retry?: { state: string; answer: string };
}
export interface Step {
  at: string; kind: string; insurerId?: string; by?: string; step?: string; result?: string; seconds?: number; count?: number; socket?: string;
}
export interface OpenSlot {
  waitsFor: string; worker?: string; since?: string; nextAt?: string; step?: string; deliveries?: number; isCircuitOpen?: boolean; pausedS?: number;
}
export interface Fault {
  code: string; what?: string; step?: string; seconds?: number; usualS?: number; count?: number; by?: string; detail?: string; runbook?: string;
}
export interface Story {
  requestId: string; service: string; acceptedAt: string; expiresAt: string; endedAt: string | null; outcome: string | null; traceId: string;
  insurers: { insurerId: string; status: string; reason?: string; settledAt?: string; waiting?: OpenSlot }[];
  steps: Step[]; faults?: Fault[]; processes: { name: string; kind: string; hasAnswered: boolean; silentS?: number }[];
  notKnown: { code: string; what?: string }[]; askedAt: string;
}
export type Found =
  | { kind: 'story'; story: Story }
  | { kind: 'none'; wasForgotten: boolean }
  | { kind: 'several'; requests: { requestId: string; service: string; acceptedAt: string; endedAt: string | null }[] };
