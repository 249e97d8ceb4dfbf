-- How a record in Redis appends: part of every script that does.
--
-- KEYS 1 the stream
--      2 the marker of the writer: the number of its newest batch, and the offsets of that batch
--      3, 4 two tables with the offsets of deduplication keys. New keys go into the table that was started last. When that is
--        one TTL old or full, the other table is emptied and started. The field '' holds the time of the start (ms).
-- ARGV 1 number of the batch, 2 how long the marker lives (ms)
--      3, 4 the newest offset the writer has ever seen: ms and seq

-- split returns the two numbers of an id, and the first one as it is written.
local function split(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq), ms
end

-- after returns the id that follows in the same millisecond.
local function after(id)
  local _, seq, ms = split(id)
  return ms .. '-' .. string.format('%.0f', seq + 1)
end

-- lost reports whether the stream, whose newest entry is prev, has lost the newest one that the writer has seen, and the clock
-- of Redis is behind that.
local function lost(prev, newest)
  if prev == newest then
    return false
  end
  local prev_ms, prev_seq = split(prev)
  local newest_ms, newest_seq = split(newest)
  if prev_ms > newest_ms or prev_ms == newest_ms and prev_seq > newest_seq then
    return false
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) <= newest_ms
end

-- append adds the records ARGV[first], ARGV[first + 1], … to the stream. A record is a key ('' for none) and an event. Either
-- all records are added or none, and a batch that is sent again is not added again. A stream without entries gets its
-- genesis entry first, also if there are no records.
--
-- window: about how many entries the stream retains. ttl: how long a key is remembered at least (ms). full: how many keys fill
-- a table. genesis, optional: a key that may hold the id of the genesis entry; the script moves it into the stream.
--
-- append returns the offsets of the records, separated by spaces. For a batch that is not sent again, it also returns the id
-- of the entry before the new ones, a list of the new ones: id, event, id, event, …, and whether the stream had no entry.
local function append(window, ttl, full, first, genesis)
  local stream, marker, batch = KEYS[1], KEYS[2], ARGV[1]
  local records = (#ARGV - first + 1) / 2

  -- A batch that is sent again gets the same answer. A batch that arrives after a later one is refused: its sender has given
  -- it up, and the network has delivered it late.
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

  local tail = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  local origin = not tail[1] and genesis and redis.call('GET', genesis)
  local prev = tail[1] and tail[1][1] or origin or '0-0'

  -- Redis chooses the id of the first entry, and the others get the numbers after it. If Redis has lost entries that the
  -- writer has seen, and its clock is behind them, the first entry gets the number after those, because no offset may be
  -- given twice.
  local id, newest, now = '*', ARGV[3] .. '-' .. ARGV[4], nil
  if lost(prev, newest) then
    id = after(newest)
  end

  local function add(...)
    id = id or after(prev)
    local got = redis.pcall('XADD', stream, 'MAXLEN', '~', window, id, 'prev', prev, ...)
    if type(got) ~= 'string' then
      got = redis.call('XADD', stream, 'MAXLEN', '~', window, '*', 'prev', prev, ...)
    end
    prev, id, now = got, nil, now or tonumber(string.match(got, '^%d+'))
    return got
  end

  local keys = {}
  for i = 1, records do
    local key = ARGV[first - 2 + 2 * i]
    if key ~= '' then
      keys[#keys + 1] = key
    end
  end

  -- Read from each table: when it was started, then the offset of each key, or false. current was started last.
  local current, other, recent, old = KEYS[3], KEYS[4], {}, {}
  if #keys > 0 then
    recent, old = redis.call('HMGET', current, '', unpack(keys)), redis.call('HMGET', other, '', unpack(keys))
    if (tonumber(old[1]) or 0) > (tonumber(recent[1]) or 0) then
      current, other, recent, old = other, current, old, recent
    end
  end

  -- The writes begin here, with an XADD: if Redis refuses writes, it does so before anything has changed.
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
    redis.call('SET', marker, batch .. ' ' .. answer, 'PX', ARGV[2])
  end
  return answer, before, added, not tail[1]
end
