-- Appends a batch to the main record. A batch without records makes sure that the stream has its genesis entry.
--
-- KEYS 5 the settings that all nodes share, as "name=number name=number"
-- ARGV 5, 6, 7 what holds where there is no such setting: window, ttl and full, see append
--      8, 9 … the records
-- Answers the offsets of the records, separated by spaces.

local shared = redis.call('GET', KEYS[5]) or ''

local function setting(name, own)
  return tonumber(string.match(shared, name .. '=(%d+)') or own)
end

return (append(setting('history_window', ARGV[5]), setting('dedupe_ttl_ms', ARGV[6]), setting('dedupe_max', ARGV[7]), 8))
