-- How a record in Redis appends: part of every script that does.
--
-- KEYS 1 the stream
--      2 the marker of the writer: the number of its newest batch and the offsets that batch got
--      3, 4 two tables of the offsets of deduplication keys. Keys are added to the one that was begun last, until it is as
--        old as one TTL or full; then the other one is emptied and begun anew. The field '' says when a table was begun (ms).
-- ARGV 1 number of the batch, 2 how long the marker lives (ms)
--      3, 4 the newest offset the writer has ever seen: ms and seq

local function split(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq), ms
end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- append adds the records ARGV[first], ARGV[first + 1], … to the stream, for each its key, '' for none, and its event: all or
-- none, exactly once however often the batch is sent. If the stream has no entry, it gets its genesis entry first, even if
-- there are no records.
--
-- window is how many entries to retain, about. ttl is for how long at least a key is remembered (ms), full how many keys fill
-- a table. genesis, if given, is a key that may hold the id of the genesis entry; the entry in the stream replaces it.
--
-- append returns the offsets of the records, separated by spaces; then, if the batch is no repetition, the id of the entry
-- before the new ones, and a list of them: id, event, id, event, …
local function append(window, ttl, full, first, genesis)
  local stream, marker, batch = KEYS[1], KEYS[2], ARGV[1]
  local records = (#ARGV - first + 1) / 2

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

  local now = clock()
  local tail = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  local origin = not tail[1] and genesis and redis.call('GET', genesis)
  local prev = tail[1] and tail[1][1] or origin or '0-0'

  -- Redis names the first entry, and the others get the next numbers. But if Redis has lost entries that the writer has seen,
  -- and its clock is behind them, the first one gets the number after those: an offset must never be given twice.
  local id, ms, seq = '*', '', 0
  local newest_ms, newest_seq = split(ARGV[3] .. '-' .. ARGV[4])
  local prev_ms, prev_seq = split(prev)
  if now <= newest_ms and (prev_ms < newest_ms or prev_ms == newest_ms and prev_seq < newest_seq) then
    id = ARGV[3] .. '-' .. string.format('%.0f', newest_seq + 1)
  end

  local function add(...)
    local got = redis.pcall('XADD', stream, id, 'prev', prev, ...)
    if type(got) ~= 'string' then
      got = redis.call('XADD', stream, '*', 'prev', prev, ...)
    end
    if got ~= id or ms == '' then
      seq, ms = select(2, split(got))
    end
    seq = seq + 1
    prev, id = got, ms .. '-' .. string.format('%.0f', seq)
    return got
  end

  local keys = {}
  for i = 1, records do
    local key = ARGV[first - 2 + 2 * i]
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
  if origin then
    redis.call('XADD', stream, origin, 'prev', '0-0')
    redis.call('UNLINK', genesis)
  elseif not tail[1] then
    add()
  end

  local before, added = prev, {}
  local offsets, fresh, additions, k = {}, {}, {}, 1
  for i = 1, records do
    local key, event, offset = ARGV[first - 2 + 2 * i], ARGV[first - 1 + 2 * i], nil
    if key ~= '' then
      k = k + 1
      offset = recent[k] or old[k] or fresh[key]
    end
    if not offset then
      offset = add('event', event)
      added[#added + 1] = offset
      added[#added + 1] = event
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
  return answer, before, added
end
