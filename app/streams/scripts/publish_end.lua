-- Publishes the end of one request: every settled quote first, then the end, after which nothing is ever appended.
-- KEYS: the request's hash, its events, then the job stream of each of its insurers.
-- ARGV: the group, the bell, the channel of ended requests, the request, the expiry (ms), the end's event, how many
-- insurers there are, the insurers; then pairs of insurer and event for the quotes that the caller has at hand.
-- Returns the insurers whose quotes are neither published nor at hand: nothing has been done then, call again with them.
local group, bell, ended, request, expires_ms, finish = unpack(ARGV, 1, 6)
local count = tonumber(ARGV[7])
local hash, events = KEYS[1], KEYS[2]
local at_hand = {}
for i = 8 + count, #ARGV, 2 do
  at_hand[ARGV[i]] = ARGV[i + 1]
end
local missing = {}
for i = 1, count do
  local insurer = ARGV[7 + i]
  if not at_hand[insurer] and redis.call('HEXISTS', hash, 'done:' .. insurer) == 0 then
    missing[#missing + 1] = insurer
  end
end
if #missing > 0 then
  return missing
end
local over = redis.call('HEXISTS', hash, 'end') == 1
for i = 1, count do
  local insurer, stream = ARGV[7 + i], KEYS[2 + i]
  if redis.call('HSETNX', hash, 'done:' .. insurer, '1') == 1 and not over then
    redis.call('XADD', events, '*', 'quote', at_hand[insurer])
  end
  local job = redis.call('HGET', hash, 'job:' .. insurer)
  if job then
    redis.pcall('XACK', stream, group, job)
    redis.pcall('XDEL', stream, job)
  end
end
if redis.call('HSETNX', hash, 'end', '1') == 1 then
  redis.call('XADD', events, '*', 'end', finish)
end
redis.call('PEXPIREAT', hash, expires_ms)
redis.call('PEXPIREAT', events, expires_ms)
redis.call('PUBLISH', bell, request)
redis.call('PUBLISH', ended, request)
return {}
