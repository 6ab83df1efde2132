// The words of the page, in two languages. A key that has no words here is shown as it is: codes of new releases stay readable.

export type Language = 'ru' | 'en';

const WORDS: Record<string, readonly [ru: string, en: string]> = {
  console: ['Пульт', 'Operator'],
  ms: ['мс', 'ms'], s: ['с', 's'], min: ['мин', 'min'], h: ['ч', 'h'], d: ['дн', 'd'],
  overview: ['Обзор', 'Overview'], insurers: ['Страховые', 'Insurers'], processes: ['Процессы', 'Processes'], request: ['Заявка', 'Request'],
  letters: ['Мёртвые письма', 'Dead letters'], controls: ['Управление', 'Controls'],
  signIn: ['Вход для оператора', 'Operator sign-in'], signOut: ['Выйти', 'Sign out'], token: ['Сервисный токен', 'Service token'], enter: ['Войти', 'Sign in'],
  tokenHint: ['Токен с правом operator, для изменений ещё operator:act:', 'A token with the scope operator, and operator:act to change anything:'],
  tokenKept: ['Токен меняется на cookie на 8 часов и в браузере не хранится.', 'It is exchanged for a cookie of 8 hours and is not kept in the browser.'],
  e401: ['Токен не действует: он чужой, повреждён или истёк.', 'The token does not hold: it is of another key, damaged, or expired.'],
  e403: ['У токена нет нужного права.', 'The token lacks the scope.'], e429: ['Слишком много попыток. Подождите', 'Too many attempts. Wait'],
  e503: ['База не отвечает. Повторите позже.', 'A database does not answer. Try again.'], eOFFLINE: ['Нет связи с API.', 'The API does not answer.'],
  eINTERNAL: ['Ошибка API. Номер — в журнале.', 'A fault of the API; its log has it.'],
  sessionOver: ['Вход истёк. Войдите снова.', 'The session is over. Sign in again.'],
  stale: ['Данные устарели: последние пришли', 'Stale: the last figures came'], ago: ['назад', 'ago'], live: ['В эфире', 'Live'], waitingData: ['Получаем данные…', 'Waiting for figures…'],
  theme: ['Тема', 'Theme'], auto: ['Как в системе', 'As the system'], light: ['Светлая', 'Light'], dark: ['Тёмная', 'Dark'], lang: ['Language: English', 'Язык: русский'],
  skip: ['К содержанию', 'Skip to content'], sections: ['Разделы', 'Sections'],
  allWell: ['Всё работает', 'All is well'], needsHand: ['Нужно вмешаться', 'Needs a hand'], toKnow: ['К сведению', 'To be known'],
  allWellMore: ['Ничего не требует вмешательства.', 'Nothing needs a hand.'],
  accepted: ['Принято заявок', 'Accepted'], inTime: ['Завершено в срок', 'Ended in time'], toFrame: ['Ответ → кадр, p99', 'Answer → frame, p99'], open: ['Открыто сейчас', 'Open now'],
  answersRate: ['Ответы страховых', 'Answers'], inWindow: ['за 5 минут', 'in 5 minutes'], late: ['с опозданием', 'late'], ofFrames: ['кадров быстрее 500 мс', 'of frames within 500 ms'],
  overdue: ['просрочено', 'overdue'], nearEnd: ['Скоро срок', 'About to end'], nearNone: ['В ближайшие 10 секунд не кончается ни одна заявка.', 'No request ends within 10 seconds.'],
  nearMore: ['Открытые заявки, до срока которых меньше 10 секунд, и страховые без ответа.', 'Open requests with less than 10 seconds left, and the insurers that have not answered.'],
  left: ['осталось', 'left'], noAnswerFrom: ['нет ответа', 'no answer from'], of: ['из', 'of'], more: ['ещё', 'more'],
  insurer: ['Страховая', 'Insurer'], waiting: ['Ждут', 'Waiting'], oldest: ['Старшее', 'Oldest'], inFlight: ['В работе', 'In flight'], answers: ['Ответы, 5 мин', 'Answers, 5 min'],
  asking: ['Ответ p50 / p99', 'Asking p50 / p99'], calls: ['Вызовы', 'Calls'], limitCol: ['Лимит', 'Limit'], circuit: ['Предохранитель', 'Circuit'], state: ['Состояние', 'State'],
  failedCalls: ['с ошибкой', 'failed'], polls: ['опрос', 'polls'], create: ['заявления', 'creates'], noInsurers: ['В файле нет страховых.', 'The file has no insurers.'],
  filter: ['Найти страховую', 'Find an insurer'], onlyProblems: ['Только с проблемами', 'Only with problems'], nothingFound: ['Ничего не найдено.', 'Nothing found.'],
  OFFERED: ['предложение', 'offered'], DECLINED: ['отказ', 'declined'], FAILED: ['сбой', 'failed'], UNAVAILABLE: ['недоступна', 'unavailable'], TIMED_OUT: ['не успела', 'timed out'],
  NONE: ['нет ответа', 'no answer'], CANCELLED: ['отменено', 'cancelled'], PENDING: ['ждём', 'pending'],
  AVAILABLE: ['замкнут', 'closed'], RECOVERING: ['проба', 'on trial'], UNAVAILABLE_circuit: ['разомкнут', 'open'], forced: ['вручную', 'forced'],
  paused: ['На паузе', 'Paused'], pausedHold: ['Пауза, заявки ждут', 'Paused, on hold'], ok: ['Работает', 'Working'], notKnown: ['Неизвестно', 'Not known'], busy: ['просит подождать', 'asks to wait'],
  WORKING: ['работает', 'working'], DRAINING: ['завершается', 'draining'], SILENT: ['молчит', 'silent'], FAILING: ['сбоит', 'failing'],
  worker: ['Обработчик', 'Worker'], api: ['API', 'API'], name: ['Имя', 'Name'], host: ['Узел', 'Host'], up: ['Работает', 'Up'], seen: ['Слышно', 'Heard'], jobs: ['Заданий', 'Jobs'],
  sockets: ['Сокетов', 'Sockets'], lanes: ['Очередей', 'Lanes'], noProcesses: ['Ни один процесс не сообщал о себе за минуту.', 'No process has reported within a minute.'], workers: ['Обработчики', 'Workers'], apis: ['Процессы API', 'API processes'],
  c_SERVER_AWAY: ['не отвечает', 'is away'], c_SERVER_SLOW: ['отвечает медленно', 'is slow'], c_NOTIFIER_DOWN: ['не слышит pub/sub Redis', "does not hear Redis's pub/sub"], c_CLOCK_OFF: ['часы узла расходятся с PostgreSQL', "clock differs from PostgreSQL's"], c_SLOW_READERS: ['клиенты перестали читать', 'clients take nothing any more'],
  c_NO_WORKER: ['Нет ни одного живого обработчика', 'No worker is alive'], c_PROCESS_SILENT: ['замолчал', 'has gone silent'],
  c_PROCESS_FAILING: ['часть процесса сбоит', 'a part keeps failing'], c_PROCESS_DRAINING: ['завершается', 'is draining'], c_OVERDUE: ['Заявки после срока ещё открыты', 'Requests are open past their end'],
  c_ENDS_LATE: ['Заявки завершились позже срока', 'Requests ended late'], c_OUTBOX_WAITS: ['Уведомления ждут Redis', 'Notices wait for Redis'], c_FRAMES_SLOW: ['Кадры доходят медленно', 'Frames are slow'],
  c_PAUSED: ['на паузе', 'is paused'], c_CIRCUIT_FORCED: ['предохранитель вручную', 'circuit is forced'], c_CIRCUIT_OPEN: ['предохранитель разомкнут', 'circuit is open'], c_CIRCUIT_TRIAL: ['пробный вызов', 'circuit is on trial'],
  c_INSURER_FAILING: ['отвечает сбоями', 'fails'], c_INSURER_HANGS: ['зависает: вызовы без ответа', 'hangs: calls end by time-out'], c_INSURER_BUSY: ['просит не частить (429)', 'asks for patience (429)'], c_INSURER_SLOW: ['отвечает медленно', 'is slow'], c_CALLS_PUT_OFF: ['просит не вызывать', 'asks not to be called'], c_JOBS_WAIT: ['задания ждут', 'jobs wait'], c_LANE_FULL: ['очередь заполнена', 'lane is full'], c_DEAD_LETTERS: ['Мёртвые письма', 'Dead letters'],
  open_forced: ['разомкнут', 'open'], closed_forced: ['замкнут', 'closed'], ofThem: ['неудач', 'of them'], ofCalls: ['вызовов', 'of calls'], usually: ['обычно', 'usually'], runbook: ['Что делать', 'Runbook'],
  st_create: ['создание', 'create'], st_poll: ['опрос', 'poll'], st_callback: ['обратный вызов', 'callback'],
  rbLook: ['Посмотреть', 'Look'], rbAct: ['Сделать', 'Act'], rbNone: ['Такой страницы нет.', 'There is no such page.'], faults: ['Что не так', 'At fault'], lastMinute: ['за минуту', 'last minute'], stalledOf: ['перестали читать', 'stopped reading'], clockOf: ['часы', 'clock'],
  do: ['Действия', 'Actions'], pause: ['Поставить на паузу', 'Pause'], resume: ['Снять с паузы', 'Resume'], setLimit: ['Лимит…', 'Limit…'], setCircuit: ['Предохранитель…', 'Circuit…'], cancelWaiting: ['Отменить ожидающие…', 'Cancel waiting…'], drain: ['Завершить', 'Drain'],
  readOnly: ['Только просмотр: у токена нет права operator:act.', 'Read only: the token lacks operator:act.'], why: ['Зачем', 'Why'], whyHint: ['Останется в аудите', 'Stays in the audit'], forHow: ['На сколько', 'For how long'], untilLifted: ['Пока не снимут', 'Until it is lifted'],
  holdLabel: ['Заявки ждут возобновления, а не получают отказ', 'Quotes wait for it instead of being refused'], cancel: ['Не надо', 'Never mind'], close: ['Закрыть', 'Close'], done: ['Сделано', 'Done'],
  pauseTitle: ['Поставить на паузу', 'Pause'], pauseText: ['Новые заявления не отправляются; ответы по отправленным дожидаются.', 'No new application is sent; what was sent before is polled on.'],
  resumeTitle: ['Снять с паузы', 'Resume'], limitTitle: ['Лимит вызовов', 'Limit of calls'], limitText: ['Например 50/s или 600/min; off — без лимита; file — как в файле.', 'Such as 50/s or 600/min; off: no limit; file: as the file has it.'], limitPolls: ['Для опросов, а не заявлений', 'Of polls, not of applications'],
  circuitTitle: ['Предохранитель', 'Circuit'], toOpen: ['Разомкнуть: не вызывать', 'Open: no calls'], toClosed: ['Замкнуть: вызывать всегда', 'Closed: always call'], toAuto: ['Автоматически', 'Left to itself'],
  cancelTitle: ['Отменить заявки, которые ждут страховую', 'Cancel the requests that wait for'], cancelText: ['Клиенты увидят отмену. Вернуть нельзя.', 'Customers see them cancelled. This cannot be undone.'],
  drainTitle: ['Завершить обработчик', 'Drain'], drainText: ['Он вернёт задания и выйдет, как по SIGTERM.', 'It hands back its jobs and ends, as on SIGTERM.'],
  cancelled: ['Отменено', 'Cancelled'], applied: ['Выполнено', 'Done'],
  find: ['Найти', 'Find'], subject: ['Номер заявки, ответа или ссылка клиента', "A request's id, a quote's, or a client reference"], lookAudited: ['Просмотр заявки записывается в аудит. Персональных данных здесь нет.', 'A look at a request stands in the audit. There is no personal data here.'],
  noSuch: ['Такой заявки нет.', 'There is no such request.'], forgotten: ['Заявка была, но уничтожена по требованию или по сроку.', 'There was one; it was destroyed on demand, or after its time.'], severalFound: ['Такую ссылку дали несколько сервисов:', 'Several services have this reference:'],
  cancelRequest: ['Отменить заявку', 'Cancel the request'], requestCancelled: ['Заявка отменена', 'The request is cancelled'], requestOver: ['Заявка уже завершена', 'The request had ended already'],
  traceId: ['Трасса', 'Trace'], fromService: ['от', 'from'], acceptedAt: ['Принята', 'Accepted'], expiresAt: ['Срок', 'Ends by'], endedAt: ['Завершена', 'Ended'], stillOpen: ['Ещё открыта', 'Still open'], timeline: ['Что было', 'What happened'], slots: ['Ответы', 'Quotes'], gaps: ['Чего мы не знаем', 'What is not known'], refresh: ['Обновить', 'Refresh'],
  ALL_ANSWERED: ['все ответили', 'all answered'], DEADLINE: ['по сроку', 'at the deadline'], waitsFor: ['ждёт', 'waits for'], since: ['с', 'since'], next: ['дальше в', 'next at'], asked: ['спросили', 'asked'], answeredIn: ['ответили', 'answered'],
  noLetters: ['Мёртвых писем нет.', 'There are no dead letters.'], lettersText: ['Задания, которые оставили после нескольких попыток. Причина — место в коде, без данных клиента.', 'Jobs that were given up after several deliveries. The reason is a place in the code, without data of customers.'],
  retry: ['Спросить ещё раз', 'Retry'], drop: ['Удалить', 'Drop'], selected: ['Выбрано', 'Selected'], selectAll: ['Выбрать все', 'Select all'], at: ['Когда', 'When'], deliveries: ['Попыток', 'Deliveries'], reason: ['Причина', 'Reason'], trace: ['Место в коде', 'Place in the code'], select: ['Выбрать', 'Select'],
  retryTitle: ['Спросить страховые ещё раз', 'Ask the insurers again'], retryText: ['Обработчик спросит в отдельном процессе; если заявка ещё открыта, ответ будет записан.', 'A worker asks in a process of its own; if the request is still open, the answer is settled.'], dropTitle: ['Удалить письма', 'Drop dead letters'], dropText: ['Вернуть нельзя.', 'This cannot be undone.'],
  shown: ['Показаны последние', 'The newest are shown:'], retryState_QUEUED: ['ждёт обработчика', 'waits for a worker'], retryState_ASKING: ['спрашиваем', 'is being asked'], retryState_DONE: ['ответ', 'answer'],
  inForce: ['Действует сейчас', 'In force'], noControls: ['Ничего не изменено вручную.', 'Nothing is set by hand.'], audit: ['Аудит', 'Audit'], noAudit: ['Записей ещё нет.', 'No entries yet.'], older: ['Раньше', 'Older'], who: ['Кто', 'Who'], what: ['Что', 'What'], until: ['до', 'until'], lift: ['Снять', 'Lift'],
  k_pause: ['пауза', 'pause'], k_limit: ['лимит', 'limit'], 'k_poll-limit': ['лимит опросов', 'poll limit'], k_circuit: ['предохранитель', 'circuit'], k_drain: ['завершение', 'drain'], k_request: ['заявка', 'request'], 'k_dead-letter': ['мёртвое письмо', 'dead letter'],
  a_set: ['установлено', 'set'], a_lifted: ['снято', 'lifted'], a_expired: ['истекло', 'expired'], a_done: ['выполнено', 'done'], a_cancelled: ['отменено', 'cancelled'], a_looked: ['просмотрено', 'looked at'], a_retried: ['повторено', 'retried'], a_dropped: ['удалено', 'dropped'],
  s_ACCEPTED: ['Принята', 'Accepted'], s_ENQUEUED: ['В очереди', 'Enqueued'], s_READ: ['Взято в работу', 'Read'], s_TAKEN_OVER: ['Перехвачено', 'Taken over'], s_RATE_WAITED: ['Ждали лимит', 'Waited for the limit'], s_CIRCUIT_WAITED: ['Ждали предохранитель', 'Waited for the circuit'], s_CALLED: ['Вызов', 'Called'], s_NOT_CALLED: ['Не вызвана', 'Not called'], s_ISOLATED: ['В отдельном процессе', 'Asked apart'], s_OMITTED: ['Пропущено шагов', 'Steps left out'], s_SETTLED: ['Ответ записан', 'Settled'], s_PUBLISHED: ['Опубликовано', 'Published'], s_WATCHED: ['Подписка', 'Subscribed'], s_RESUMED: ['Подписка продолжена', 'Resumed'], s_SENT: ['Кадр отправлен', 'Frame sent'], s_LEFT: ['Подписка кончилась', 'Subscription ended'], s_ENDED: ['Завершена', 'Ended'],
  w_OUTBOX: ['постановку в очередь', 'the outbox'], w_WORKER: ['обработчика', 'a worker'], w_TAKE_OVER: ['перехвата', 'a take-over'], w_POSTGRESQL: ['PostgreSQL', 'PostgreSQL'], w_TURN: ['своей очереди', 'its turn'], w_RATE_LIMIT: ['лимит', 'the rate limit'], w_CIRCUIT: ['предохранитель', 'the circuit'], w_INSURER: ['ответ на вызов', 'the call'], w_CALLBACK: ['вызов страховой', 'a callback'], w_PAUSE: ['конца паузы', 'the end of the pause'], w_RECOVERY: ['восстановления задания', 'recovery of its job'], w_NEXT_POLL: ['следующий опрос', 'the next poll'], w_RETRY: ['повтор', 'a retry'], w_ISOLATION: ['отдельный процесс', 'a process of its own'], w_SETTLING: ['запись', 'being settled'], w_DEADLINE: ['срок', 'the deadline'], w_UNKNOWN: ['неизвестно что', 'not known'],
  g_REDIS_AWAY: ['Redis недоступен: задания, процессы и сокеты не спросить', 'Redis is away: jobs, processes and sockets cannot be asked'], g_REDIS_LOST_IT: ['Redis потерял заявку; она будет поставлена снова', 'Redis has lost the request; it will be enqueued again'], g_REDIS_FORGOT_IT: ['Заявка завершена давно: кадры не хранятся', 'It ended long ago: frames are not kept'], g_PROCESS_SILENT: ['Процесс не ответил', 'A process did not answer'], g_PROCESS_DIED: ['Обработчик умер', 'A worker died'], g_NO_TRAIL: ['Неизвестно, как получен ответ', 'It is not known how the answer came about'], g_FRAMES_LIMITED: ['Часть кадров уже забыта', 'Some frames are forgotten'], g_NO_WORKER: ['Нет живых обработчиков', 'No worker is alive'],
};

const KEY = 'osago.operator.language';
let current: Language = kept() ?? (navigator.language.toLowerCase().startsWith('ru') ? 'ru' : 'en');

function kept(): Language | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'ru' || value === 'en' ? value : null;
  } catch {
    return null;
  }
}

export const language = () => current;

export function setLanguage(value: Language) {
  current = value;
  document.documentElement.lang = value;
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // A browser without storage asks its system the next time.
  }
}

export function t(key: string): string {
  const words = WORDS[key];
  return words ? words[current === 'ru' ? 0 : 1] : key.replace(/^[a-z]_/, '').toLowerCase().replaceAll('_', ' ');
}
