-- Reads a shard's feed from a place on, and says of which content and of which server it is.
-- KEYS: the feed, the epoch. ARGV: where to begin (that entry included), how many entries, an epoch to set if there is none.
-- Returns the epoch, the server's replication id, its time (ms), the last entry's id ('' in an empty feed), and the entries:
-- id, version, request, field, document, MAC ('' without one), id, ...
redis.call('SET', KEYS[2], ARGV[3], 'NX')
local time = redis.call('TIME')
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local flat = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])) do
  local fields, named = entry[2], {}
  for i = 1, #fields, 2 do
    named[fields[i]] = fields[i + 1]
  end
  local kind = named['quote'] and 'quote' or 'end'
  local n = #flat
  flat[n + 1], flat[n + 2], flat[n + 3] = entry[1], named['v'] or '', named['request'] or ''
  flat[n + 4], flat[n + 5], flat[n + 6] = kind, named[kind] or '', named['mac'] or ''
end
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
return { redis.call('GET', KEYS[2]), server, tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000), last[1] and last[1][1] or '', flat }
