-- Gives jobs to a consumer without a beat, so that the next reaping takes them; only those that are still ours.
-- KEYS: the job stream. ARGV: the group, this consumer, the consumer without a beat; then pairs of entry and the number
-- of deliveries to leave it with.
for i = 4, #ARGV, 2 do
  local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if not pending.err and #pending > 0 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[i], 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
  end
end
