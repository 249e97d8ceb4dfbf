-- Says how many members a node has in a room, and tells the other nodes.
--
-- KEYS 1 the members of each node
-- ARGV 1 the node, 2 its members, 3 how long the room is kept (ms), 4 the command that publishes and 5 the channel
--      6 … nodes that are dead

if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
for i = 6, #ARGV do
  redis.call('HDEL', KEYS[1], ARGV[i])
end
redis.pcall(ARGV[4], ARGV[5], 'p' .. ARGV[1] .. ARGV[2])
return 0
