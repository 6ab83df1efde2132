-- Notes which trusted documents processes have, which of them callers have asked for, and which ids no document has. Repeating it
-- changes nothing but the moments.
-- KEYS: since when each trusted id is known, when each was used last, when each unknown id was asked for last (sorted sets,
-- seconds of Redis's time). ARGV: for how long they are kept (ms), how many trusted ids and how many unknown ones at most; how
-- many of the ids that follow are known and how many used; the ids: known, used, unknown.
local now_s = tonumber(redis.call('TIME')[1])
local known, used = tonumber(ARGV[4]), tonumber(ARGV[5])
for i = 6, #ARGV do
  if i < 6 + known then
    redis.call('ZADD', KEYS[1], 'NX', now_s, ARGV[i])
  elseif i < 6 + known + used then
    redis.call('ZADD', KEYS[2], now_s, ARGV[i])
  else
    redis.call('ZADD', KEYS[3], now_s, ARGV[i])
  end
end
for key = 1, 3 do
  local most = tonumber(key == 3 and ARGV[3] or ARGV[2])
  redis.call('ZREMRANGEBYRANK', KEYS[key], 0, -most - 1)
  redis.call('PEXPIRE', KEYS[key], ARGV[1])
end
