-- Dead letters that an operator wants to be asked about again. A letter that is asked about by a worker that then dies stays
-- so until the operator asks once more.
-- KEYS: a hash, letter → QUEUED, ASKING or DONE and the answer. ARGV: for how long it is kept (ms), then
-- `ask` and letters: queues them; `take`: returns a queued one, which is being asked about from now on, or nothing;
-- `answer`, a letter, its answer: keeps that; `read`: returns all of it.
local kept_ms, verb = ARGV[1], ARGV[2]
if verb == 'read' then
  return redis.call('HGETALL', KEYS[1])
end
if verb == 'take' then
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if all[i + 1] == 'QUEUED' then
      redis.call('HSET', KEYS[1], all[i], 'ASKING')
      return all[i]
    end
  end
  return false
end
if verb == 'answer' then
  redis.call('HSET', KEYS[1], ARGV[3], 'DONE ' .. ARGV[4])
else
  for i = 3, #ARGV do
    redis.call('HSET', KEYS[1], ARGV[i], 'QUEUED')
  end
end
redis.call('PEXPIRE', KEYS[1], kept_ms)
