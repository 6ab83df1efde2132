-- Publishes settled quotes, each at most once, and acknowledges their jobs. Asks nobody for ownership.
-- KEYS: per quote the request's hash, its events and the insurer's job stream.
-- ARGV: the group and the bell; then per quote the request, the insurer, the expiry (ms), the event and the entry that
-- was delivered ('' if none was).
local group, bell = ARGV[1], ARGV[2]
local rung = {}
for q = 0, #KEYS / 3 - 1 do
  local hash, events, stream = KEYS[q * 3 + 1], KEYS[q * 3 + 2], KEYS[q * 3 + 3]
  local request, insurer, expires_ms = ARGV[q * 5 + 3], ARGV[q * 5 + 4], ARGV[q * 5 + 5]
  local event, entry = ARGV[q * 5 + 6], ARGV[q * 5 + 7]
  local job = redis.call('HGET', hash, 'job:' .. insurer)
  local first = redis.call('HSETNX', hash, 'done:' .. insurer, '1') == 1
  if first and redis.call('HEXISTS', hash, 'end') == 0 then
    redis.call('XADD', events, '*', 'quote', event)
    redis.call('PEXPIREAT', events, expires_ms)
    rung[#rung + 1] = request
  end
  redis.call('PEXPIREAT', hash, expires_ms)
  -- A group that vanished must not keep the others from being published.
  for _, id in ipairs({ entry, job or '' }) do
    if id ~= '' then
      redis.pcall('XACK', stream, group, id)
      redis.pcall('XDEL', stream, id)
    end
  end
end
if #rung > 0 then
  redis.call('PUBLISH', bell, table.concat(rung, ' '))
end
return #rung
