-- Appends a batch of records to the stream, all or none, exactly once however often the batch is sent.
-- A batch without records makes sure that the stream has its genesis entry.
--
-- KEYS 1 the stream
--      2 the marker of the writer: the number of its newest batch and the offsets that batch got
--      3 … one for each record that has a key: where the offset of that key is remembered
-- ARGV 1 number of the batch, 2 how long the marker lives (ms)
--      3 how many entries to retain, about, 4 how long a key is remembered (ms)
--      5, 6 the newest offset the writer has ever seen: ms and seq
--      7 for each record "1" if it has a key, else "0"
--      8 … the events
-- Answers the offsets of the records, separated by spaces.

local stream, marker = KEYS[1], KEYS[2]
local batch, keyed = ARGV[1], ARGV[7]

-- A repeated batch gets its first answer. One that was overtaken (its sender gave it up, the network kept it) is dead.
local seen = #keyed > 0 and redis.call('GET', marker)
if seen then
  local number, offsets = string.match(seen, '^(%d+) (.*)$')
  if number == batch then
    return offsets
  end
  if tonumber(number) > tonumber(batch) then
    return redis.error_reply('STALE batch ' .. batch .. ' comes after batch ' .. number)
  end
end

local tail = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
local prev = tail[1] and tail[1][1] or '0-0'

local function split(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return ms, tonumber(ms), tonumber(seq)
end

local function successor(id)
  local ms, _, seq = split(id)
  return ms .. '-' .. string.format('%.0f', seq + 1)
end

-- Redis names the entry, unless it has lost entries that the writer has seen and its clock is behind them: an offset must
-- never be given twice.
local id = '*'
local newest = ARGV[5] .. '-' .. ARGV[6]
local _, newest_ms, newest_seq = split(newest)
local _, prev_ms, prev_seq = split(prev)
if prev_ms < newest_ms or prev_ms == newest_ms and prev_seq < newest_seq then
  local time = redis.call('TIME')
  if time[1] * 1000 + math.floor(time[2] / 1000) <= newest_ms then
    id = successor(newest)
  end
end

local function add(...)
  local added = redis.pcall('XADD', stream, id, 'prev', prev, ...)
  if type(added) ~= 'string' then
    added = redis.call('XADD', stream, '*', 'prev', prev, ...)
  end
  prev, id = added, successor(added)
  return added
end

if prev == '0-0' then
  add()
end

local offsets, next_key = {}, 3
for i = 1, #keyed do
  local key, offset
  if string.sub(keyed, i, i) == '1' then
    key, next_key = KEYS[next_key], next_key + 1
    offset = redis.call('GET', key)
  end
  if not offset then
    offset = add('event', ARGV[7 + i])
    if key then
      redis.call('SET', key, offset, 'PX', ARGV[4])
    end
  end
  offsets[i] = offset
end

local answer = table.concat(offsets, ' ')
if #keyed > 0 then
  redis.call('XTRIM', stream, 'MAXLEN', '~', ARGV[3])
  redis.call('SET', marker, batch .. ' ' .. answer, 'PX', ARGV[2])
end
return answer
