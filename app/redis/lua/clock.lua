-- Reads, and keeps, how far the time that all processes go by is ahead of this server's clock.
-- KEYS: the difference. ARGV: the server by whose clock it was measured ('' only reads), the difference, for how long it
-- counts (both ms). Measured by another server, it is not kept: a failover came between.
-- Returns this server, its time (ms since 1970), and the difference; '' where none is known of this server.
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local time = redis.call('TIME')
if ARGV[1] == server then
  redis.call('SET', KEYS[1], server .. ' ' .. ARGV[2], 'PX', ARGV[3])
end
local measured_by, ahead_ms = string.match(redis.call('GET', KEYS[1]) or '', '^(%x+) (-?%d+)$')
return { server, tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000), measured_by == server and ahead_ms or '' }
