-- Appends a batch of records to the stream, all or none, exactly once however often the batch is sent.
-- A batch without records makes sure that the stream has its genesis entry.
--
-- KEYS 1 the stream
--      2 the marker of the writer: the number of its newest batch and the offsets that batch got
--      3, 4 two tables of the offsets of deduplication keys. Keys are added to the one that was begun last, until it is as
--        old as one TTL or full; then the other one is emptied and begun anew. The field '' says when a table was begun (ms).
--      5 the settings that all nodes share, as "name=number name=number"
-- ARGV 1 number of the batch, 2 how long the marker lives (ms)
--      3, 4, 5 what holds where there is no such setting: how many entries to retain, about, for how long at least a key is
--        remembered (ms), how many keys fill a table
--      6, 7 the newest offset the writer has ever seen: ms and seq
--      8, 9 … for each record its key, '' for none, and its event
-- Answers the offsets of the records, separated by spaces.

local stream, marker = KEYS[1], KEYS[2]
local batch, shared = ARGV[1], redis.call('GET', KEYS[5]) or ''

local function setting(name, own)
  return tonumber(string.match(shared, name .. '=(%d+)') or own)
end

local window, ttl = setting('history_window', ARGV[3]), setting('dedupe_ttl_ms', ARGV[4])
local full = setting('dedupe_max', ARGV[5])
local records = (#ARGV - 7) / 2

-- A repeated batch gets its first answer. One that was overtaken (its sender gave it up, the network kept it) is dead.
local seen = records > 0 and redis.call('GET', marker)
if seen then
  local number, offsets = string.match(seen, '^(%d+) (.*)$')
  if number == batch then
    return offsets
  end
  if tonumber(number) > tonumber(batch) then
    return redis.error_reply('STALE batch ' .. batch .. ' comes after batch ' .. number)
  end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local tail = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
local prev = tail[1] and tail[1][1] or '0-0'

local function split(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq), ms
end

-- Redis names the first entry, and the others get the next numbers. But if Redis has lost entries that the writer has seen,
-- and its clock is behind them, the first one gets the number after those: an offset must never be given twice.
local id, ms, seq = '*', '', 0
local newest_ms, newest_seq = split(ARGV[6] .. '-' .. ARGV[7])
local prev_ms, prev_seq = split(prev)
if now <= newest_ms and (prev_ms < newest_ms or prev_ms == newest_ms and prev_seq < newest_seq) then
  id = ARGV[6] .. '-' .. string.format('%.0f', newest_seq + 1)
end

local function add(...)
  local added = redis.pcall('XADD', stream, id, 'prev', prev, ...)
  if type(added) ~= 'string' then
    added = redis.call('XADD', stream, '*', 'prev', prev, ...)
  end
  if added ~= id or ms == '' then
    seq, ms = select(2, split(added))
  end
  seq = seq + 1
  prev, id = added, ms .. '-' .. string.format('%.0f', seq)
  return added
end

local keys = {}
for i = 1, records do
  local key = ARGV[6 + 2 * i]
  if key ~= '' then
    keys[#keys + 1] = key
  end
end

-- What the two tables know: when each was begun, then an offset or false for each of the keys. The one begun last is first.
local current, other, recent, old = KEYS[3], KEYS[4], {}, {}
if #keys > 0 then
  recent, old = redis.call('HMGET', current, '', unpack(keys)), redis.call('HMGET', other, '', unpack(keys))
  if (tonumber(old[1]) or 0) > (tonumber(recent[1]) or 0) then
    current, other, recent, old = other, current, old, recent
  end
end

-- From here on there are writes. An XADD comes first: if Redis refuses writes, it does so before anything has changed.
if prev == '0-0' then
  add()
end

local offsets, fresh, additions, k = {}, {}, {}, 1
for i = 1, records do
  local key, offset = ARGV[6 + 2 * i], nil
  if key ~= '' then
    k = k + 1
    offset = recent[k] or old[k] or fresh[key]
  end
  if not offset then
    offset = add('event', ARGV[7 + 2 * i])
    if key ~= '' then
      fresh[key] = offset
      additions[#additions + 1] = key
      additions[#additions + 1] = offset
    end
  end
  offsets[i] = offset
end

if #additions > 0 then
  local begun = tonumber(recent[1])
  if not begun or now - begun >= ttl or redis.call('HLEN', current) > full then
    redis.call('UNLINK', other)
    redis.call('HSET', other, '', string.format('%.0f', math.max(now, (begun or 0) + 1)))
    redis.call('PEXPIRE', other, 2 * ttl)
    current = other
  end
  redis.call('HSET', current, unpack(additions))
end

local answer = table.concat(offsets, ' ')
if records > 0 then
  redis.call('XTRIM', stream, 'MAXLEN', '~', window)
  redis.call('SET', marker, batch .. ' ' .. answer, 'PX', ARGV[2])
end
return answer
