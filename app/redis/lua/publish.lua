-- Publishes settled quotes, each at most once, and acknowledges their jobs. Checks no ownership.
-- KEYS: the feed; then per quote the request's hash, its events and the insurer's job stream.
-- ARGV: the group, the bell, the feed's length and version; then, as one MessagePack array, per quote an array of the request,
-- the insurer, the expiry (ms), the event and its MAC, the two for the feed ('' where they are the same), the entry that was
-- delivered ('' if none was) and its trace ('' for none). All of them are strings: one argument costs the client less than eight
-- for each quote.
local feed = KEYS[1]
local group, bell, feed_length, version, packed = unpack(ARGV)
local rung = {}
for q, quote in ipairs(cmsgpack.unpack(packed)) do
  local hash, events, stream = KEYS[q * 3 - 1], KEYS[q * 3], KEYS[q * 3 + 1]
  local request, insurer, expires_ms, event, mac, for_feed, feed_mac, entry, trace = unpack(quote)
  if for_feed == '' then
    for_feed, feed_mac = event, mac
  end
  local job = redis.call('HGET', hash, 'job:' .. insurer)
  local first = redis.call('HSETNX', hash, 'done:' .. insurer, '1') == 1
  if first and redis.call('HEXISTS', hash, 'end') == 0 then
    if trace == '' then
      redis.call('XADD', events, '*', 'quote', event, 'mac', mac)
    else
      redis.call('XADD', events, '*', 'quote', event, 'mac', mac, 'trace', trace)
    end
    redis.call('PEXPIREAT', events, expires_ms)
    if feed_length ~= '0' then
      redis.call('XADD', feed, 'MAXLEN', '~', feed_length, '*', 'v', version, 'request', request, 'quote', for_feed, 'mac', feed_mac)
    end
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
