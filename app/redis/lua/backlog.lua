-- What waits unread in job streams. KEYS: the streams, of one shard. ARGV: the group.
-- Returns for each stream the number of unread jobs, and the entry of the oldest (an empty string where there is none).
local found = {}
for i = 1, #KEYS do
  local waiting, oldest = redis.pcall('XLEN', KEYS[i]), ''
  if type(waiting) ~= 'number' then
    waiting = 0
  end
  if waiting > 0 then
    -- Before the first worker comes there is no group: everything waits then.
    local last, groups = '0-0', redis.pcall('XINFO', 'GROUPS', KEYS[i])
    for _, group in ipairs(groups.err and {} or groups) do
      local fields = {}
      for j = 1, #group, 2 do
        fields[group[j]] = group[j + 1]
      end
      if fields.name == ARGV[1] then
        waiting, last = waiting - fields.pending, fields['last-delivered-id']
      end
    end
    local unread = waiting > 0 and redis.call('XRANGE', KEYS[i], '(' .. last, '+', 'COUNT', 1) or {}
    waiting, oldest = math.max(waiting, 0), unread[1] and unread[1][1] or ''
  end
  found[i] = { waiting, oldest }
end
return found
