-- Leaves the trial of a half-open circuit to the next job, if it is still this one's.
-- KEYS: the trial. ARGV: its token, the channel, the insurer.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
