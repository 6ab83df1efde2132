-- Publishes the ends of requests: of each every settled quote first, then the end, after which nothing is ever appended.
-- KEYS: the feed; then per request its hash, its events and the job stream of each of its insurers.
-- ARGV: the group, the bell, the channel of ended requests, the feed's length and version; then, as one MessagePack array, per
-- request an array of the request, the expiry (ms), the end's event and its MAC, its insurers, and the quotes that the caller has
-- at hand: arrays of insurer, event, MAC and the two for the feed ('' where they are the same); then the end's trace ('' for none).
-- Returns per request the insurers with quotes neither published nor at hand: nothing has been done for it then, call again with them.
local feed = KEYS[1]
local group, bell, ended, feed_length, version, packed = unpack(ARGV)
local place = 2
local function publish(request, events, kind, event, event_mac, for_feed, feed_mac, trace)
  if trace then
    redis.call('XADD', events, '*', kind, event, 'mac', event_mac, 'trace', trace)
  else
    redis.call('XADD', events, '*', kind, event, 'mac', event_mac)
  end
  if for_feed == '' then
    for_feed, feed_mac = event, event_mac
  end
  if feed_length ~= '0' then
    redis.call('XADD', feed, 'MAXLEN', '~', feed_length, '*', 'v', version, 'request', request, kind, for_feed, 'mac', feed_mac)
  end
end
local function finish(hash, events, first_stream, request, expires_ms, document, mac, insurers, quotes, trace)
  local at_hand = {}
  for _, quote in ipairs(quotes) do
    at_hand[quote[1]] = quote
  end
  local missing = {}
  for _, insurer in ipairs(insurers) do
    if not at_hand[insurer] and redis.call('HEXISTS', hash, 'done:' .. insurer) == 0 then
      missing[#missing + 1] = insurer
    end
  end
  if #missing > 0 then
    return missing
  end
  local over = redis.call('HEXISTS', hash, 'end') == 1
  for i, insurer in ipairs(insurers) do
    if redis.call('HSETNX', hash, 'done:' .. insurer, '1') == 1 and not over then
      publish(request, events, 'quote', unpack(at_hand[insurer], 2))
    end
    local job = redis.call('HGET', hash, 'job:' .. insurer)
    if job then
      redis.pcall('XACK', KEYS[first_stream + i - 1], group, job)
      redis.pcall('XDEL', KEYS[first_stream + i - 1], job)
    end
  end
  if redis.call('HSETNX', hash, 'end', '1') == 1 then
    publish(request, events, 'end', document, mac, '', '', trace ~= '' and trace or nil)
  end
  redis.call('PEXPIREAT', hash, expires_ms)
  redis.call('PEXPIREAT', events, expires_ms)
  redis.call('PUBLISH', bell, request)
  redis.call('PUBLISH', ended, request)
  return missing
end
local lacking = {}
for r, one in ipairs(cmsgpack.unpack(packed)) do
  lacking[r] = finish(KEYS[place], KEYS[place + 1], place + 2, unpack(one))
  place = place + 2 + #one[5]
end
return lacking
