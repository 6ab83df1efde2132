-- Reads what is noted of trusted documents. KEYS: as `note_documents.lua` has them. Returns Redis's time (s), then of each key its
-- ids, each with its moment.
local found = { tonumber(redis.call('TIME')[1]) }
for _, key in ipairs(KEYS) do
  found[#found + 1] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
end
return found
