-- Publishes the end of one request: every settled quote first, then the end, after which nothing is ever appended.
-- KEYS: the feed, the request's hash, its events, then the job stream of each of its insurers.
-- ARGV: the group, the bell, the channel of ended requests, the feed's length and version, the request, the expiry (ms),
-- the end's event and its MAC, how many insurers there are, the insurers; then insurer, event, MAC and the two for the feed
-- ('' where they are the same) for each of the quotes
-- that the caller has at hand.
-- Returns the insurers with quotes neither published nor at hand: nothing has been done then, call again with them.
local group, bell, ended, feed_length, version, request, expires_ms, finish, mac = unpack(ARGV, 1, 9)
local count = tonumber(ARGV[10])
local feed, hash, events = unpack(KEYS, 1, 3)
local at_hand = {}
for i = 11 + count, #ARGV, 5 do
  at_hand[ARGV[i]] = { ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4] }
end
local function publish(kind, event, event_mac, for_feed, feed_mac)
  redis.call('XADD', events, '*', kind, event, 'mac', event_mac)
  if for_feed == '' then
    for_feed, feed_mac = event, event_mac
  end
  if feed_length ~= '0' then
    redis.call('XADD', feed, 'MAXLEN', '~', feed_length, '*', 'v', version, 'request', request, kind, for_feed, 'mac', feed_mac)
  end
end
local missing = {}
for i = 1, count do
  local insurer = ARGV[10 + i]
  if not at_hand[insurer] and redis.call('HEXISTS', hash, 'done:' .. insurer) == 0 then
    missing[#missing + 1] = insurer
  end
end
if #missing > 0 then
  return missing
end
local over = redis.call('HEXISTS', hash, 'end') == 1
for i = 1, count do
  local insurer, stream = ARGV[10 + i], KEYS[3 + i]
  if redis.call('HSETNX', hash, 'done:' .. insurer, '1') == 1 and not over then
    publish('quote', unpack(at_hand[insurer]))
  end
  local job = redis.call('HGET', hash, 'job:' .. insurer)
  if job then
    redis.pcall('XACK', stream, group, job)
    redis.pcall('XDEL', stream, job)
  end
end
if redis.call('HSETNX', hash, 'end', '1') == 1 then
  publish('end', finish, mac, '', '')
end
redis.call('PEXPIREAT', hash, expires_ms)
redis.call('PEXPIREAT', events, expires_ms)
redis.call('PUBLISH', bell, request)
redis.call('PUBLISH', ended, request)
return {}
