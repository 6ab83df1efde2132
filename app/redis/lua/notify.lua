-- Publishes a message of its own. KEYS: the channel, for it has a slot in a Cluster. ARGV: the message.
return redis.call('PUBLISH', KEYS[1], ARGV[1])
