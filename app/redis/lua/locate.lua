-- Where the jobs of one request are, and what Redis has of it. Changes nothing.
-- KEYS: the request's hash, its events, the beats, then the job stream of each of its insurers. ARGV: the group, then the insurers.
-- Returns Redis's time (ms), whether the hash is there, the beats with their moments, the events (entry, field, value, MAC, …),
-- and per insurer: the entry of its job ('' without one), whether it lies in its stream, what enqueued it ('' for the API), the
-- consumer that has it ('' if it is unread), for how long (ms), how often it was delivered, and whether its quote is published.
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local hash, events, beats, group = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local flat = {}
for _, entry in ipairs(redis.call('XRANGE', events, '-', '+', 'COUNT', 300)) do
  local n = #flat
  flat[n + 1], flat[n + 2], flat[n + 3], flat[n + 4] = entry[1], entry[2][1], entry[2][2], entry[2][4] or ''
end
local jobs = {}
for i = 2, #ARGV do
  local known = redis.call('HMGET', hash, 'job:' .. ARGV[i], 'done:' .. ARGV[i])
  local entry, stream = known[1] or '', KEYS[i + 2]
  local job = { entry, 0, '', '', 0, 0, known[2] and 1 or 0 }
  local found = entry ~= '' and redis.call('XRANGE', stream, entry, entry)[1]
  if found then
    job[2], job[3] = 1, found[2][4] or ''
    local pending = redis.pcall('XPENDING', stream, group, entry, entry, 1)
    if not pending.err and pending[1] then
      job[4], job[5], job[6] = pending[1][2], pending[1][3], pending[1][4]
    end
  end
  jobs[#jobs + 1] = job
end
return { now_ms, redis.call('EXISTS', hash), redis.call('ZRANGE', beats, 0, -1, 'WITHSCORES'), flat, jobs }
