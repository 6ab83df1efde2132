-- One tick of a worker in one shard: beats with Redis's own time, and takes over the jobs of the dead.
-- KEYS: the beats, the epoch, then the job streams of this worker's lanes.
-- ARGV: the group, this consumer, the lease (ms), an epoch to set if there is none, then per stream the free places.
-- Returns whether the own beat was fresh (1) or not (0), the epoch, the server's replication id, and what was taken over: the
-- stream's number, the entry, the request and the number of deliveries, this one included; then the dead consumer and how
-- long it has been silent (ms; -1 without a beat), what had enqueued the job ('' for the API), and its trace ('' for none).
local group, me, lease_ms, new_epoch = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function is_stale(beat)
  -- A beat in the future is stale too: it was written before Redis's clock was set back.
  return not beat or tonumber(beat) <= now_ms - lease_ms or tonumber(beat) > now_ms
end

local function field(flat, name)
  for i = 1, #flat, 2 do
    if flat[i] == name then
      return flat[i + 1]
    end
  end
end

local function take_over(stream, dead, room)
  local taken = {}
  local pending = redis.call('XPENDING', stream, group, '-', '+', math.min(room, 1000), dead)
  if #pending == 0 then
    return taken
  end
  local ids, deliveries = {}, {}
  for i, entry in ipairs(pending) do
    ids[i] = entry[1]
    deliveries[entry[1]] = entry[4] + 1
  end
  -- What was deleted while pending comes back as nil (6.2) or not at all (7.0): it is acknowledged.
  for _, entry in pairs(redis.call('XCLAIM', stream, group, me, 0, unpack(ids))) do
    if entry then
      taken[#taken + 1] = { entry[1], entry[2][2], deliveries[entry[1]], entry[2][4] or '', entry[2][6] or '' }
      deliveries[entry[1]] = nil
    end
  end
  for id, _ in pairs(deliveries) do
    redis.call('XACK', stream, group, id)
  end
  return taken
end

redis.call('SET', KEYS[2], new_epoch, 'NX')
local mine = redis.call('ZSCORE', KEYS[1], me)
redis.call('ZADD', KEYS[1], now_ms, me)
local fresh = not is_stale(mine)
local all = {}
for s = 3, #KEYS do
  local stream, room = KEYS[s], tonumber(ARGV[s + 2])
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
  if consumers.err then
    redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
  elseif fresh then
    for _, consumer in ipairs(consumers) do
      local name, pending = field(consumer, 'name'), field(consumer, 'pending')
      if name ~= me and is_stale(redis.call('ZSCORE', KEYS[1], name)) then
        if pending == 0 then
          redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
          redis.call('ZREM', KEYS[1], name)
        elseif room > 0 then
          local beat = redis.call('ZSCORE', KEYS[1], name)
          local silent_ms = beat and math.max(0, now_ms - tonumber(beat)) or -1
          for _, entry in ipairs(take_over(stream, name, room)) do
            all[#all + 1] = { s - 2, entry[1], entry[2], entry[3], name, silent_ms, entry[4], entry[5] }
            room = room - 1
          end
        end
      end
    end
  end
end
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
return { fresh and 1 or 0, redis.call('GET', KEYS[2]), server, all }
