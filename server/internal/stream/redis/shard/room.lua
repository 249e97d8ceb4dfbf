-- Appends a batch of at least one record to the record of a room, and tells its news.
--
-- KEYS 5 the id of the genesis entry, as long as the room is silent
-- ARGV 5, 6, 7 window, ttl and full, see append
--      8 how long the room is kept (ms), 9 the command that publishes and 10 the channel
--      11, 12 … the records
-- Answers the offsets of the records, separated by spaces, and "!" and an error if the news could not be told.
-- News is "e<prev> <offset> <length> <event>…", or "l<offset>" of the last entry if that is more than the other nodes shall
-- get unasked. A repeated batch has no news.

local answer, before, added, new = append(tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), 11, KEYS[5])
if not added then
  return answer
end
if #added == 0 then
  return answer
end

-- The expiry of a day or more is renewed every few hours: ids begin with the time, 10,000 seconds in their sixth digit.
local last = added[#added - 1]
if new or tonumber(ARGV[8]) < 86400000 or string.sub(before, 1, 6) ~= string.sub(last, 1, 6) then
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
end

local news = { 'e', before, ' ' }
for i = 1, #added, 2 do
  news[#news + 1] = added[i] .. ' ' .. #added[i + 1] .. ' '
  news[#news + 1] = added[i + 1]
end
news = table.concat(news)
if #news > 65536 then
  news = 'l' .. last
end

-- It comes last and may fail: the batch is stored. The channel may have gone to another server, or the right be missing.
local told = redis.pcall(ARGV[9], ARGV[10], news)
if type(told) == 'table' then
  return answer .. '!' .. told.err
end
return answer
