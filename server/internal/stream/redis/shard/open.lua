-- Says where a room continues or begins. It writes only the genesis id of a room that has nothing.
--
-- KEYS 1 the stream, 2 the genesis id of a silent room
-- ARGV 1 the newest entry that the reader has, '' for none; 2 how many entries to answer that continue there
--      3 how many of the newest to answer otherwise
--      4 how long a silent room is kept (ms)
--      5, 6 the newest offset that the reader has ever seen: ms and seq
-- Answers entries as XRANGE does: those that continue, with the one that the reader has first, or else the newest. The
-- genesis of a silent room has no fields.

local stream, genesis, last = KEYS[1], KEYS[2], ARGV[1]

if last ~= '' then
  local entries = redis.call('XRANGE', stream, last, '+', 'COUNT', ARGV[2])
  if entries[1] and entries[1][1] == last then
    return entries
  end
end

local newest, entries = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', ARGV[3]), {}
for i = #newest, 1, -1 do
  entries[#entries + 1] = newest[i]
end
if #entries > 0 then
  return entries
end

local id = redis.call('GET', genesis)
if not id then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  id = string.format('%.0f-0', now)
  if now <= tonumber(ARGV[5]) then
    id = ARGV[5] .. '-' .. string.format('%.0f', tonumber(ARGV[6]) + 1)
  end
  redis.call('SET', genesis, id, 'PX', ARGV[4])
end
return {{id, {}}}
