-- Adds the jobs of requests, each at most once: what is done, or still in its stream, is skipped.
-- KEYS: the job streams, then one hash per request.
-- ARGV: the channel of accepted requests; what enqueues, as each job's field `via` ('' for the API: no field); how many
-- streams; the insurer of each stream; then per request its id, its expiry (ms), its customer's mark ('' notifies none), the
-- numbers of its streams, separated by commas, and its trace ('' for none).
-- A job's fields are read by place: its trace comes after `via`, which is there then even if it is empty.
-- Returns how many jobs were added.
local accepted, via, streams = ARGV[1], ARGV[2], tonumber(ARGV[3])
local added = 0
local rung = {}
for r = 1, #KEYS - streams do
  local hash = KEYS[streams + r]
  local first = 3 + streams + (r - 1) * 5
  local request, expires_ms, mark = ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local trace = ARGV[first + 5]
  local is_new = redis.call('EXISTS', hash) == 0
  local jobs = {}
  for number in string.gmatch(ARGV[first + 4], '%d+') do
    local place = tonumber(number)
    local stream, insurer = KEYS[place], ARGV[3 + place]
    local there = false
    if not is_new then
      local known = redis.call('HMGET', hash, 'done:' .. insurer, 'job:' .. insurer, 'end')
      there = known[1] or known[3] or (known[2] and redis.call('XRANGE', stream, known[2], known[2])[1])
    end
    if not there then
      jobs[#jobs + 1] = 'job:' .. insurer
      if trace ~= '' then
        jobs[#jobs + 1] = redis.call('XADD', stream, '*', 'request', request, 'via', via, 'trace', trace)
      elseif via ~= '' then
        jobs[#jobs + 1] = redis.call('XADD', stream, '*', 'request', request, 'via', via)
      else
        jobs[#jobs + 1] = redis.call('XADD', stream, '*', 'request', request)
      end
      added = added + 1
    end
  end
  if #jobs > 0 then
    redis.call('HSET', hash, unpack(jobs))
  end
  redis.call('PEXPIREAT', hash, expires_ms)
  if #jobs > 0 and mark ~= '' then
    rung[#rung + 1] = mark .. ':' .. request
  end
end
if #rung > 0 then
  redis.call('PUBLISH', accepted, table.concat(rung, ' '))
end
return added
