-- Which of these entries are still pending for this consumer. KEYS: the job stream. ARGV: group, consumer, entries.
local owned = {}
for i = 3, #ARGV do
  local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if not pending.err and #pending > 0 then
    owned[#owned + 1] = ARGV[i]
  end
end
return owned
