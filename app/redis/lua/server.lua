-- Which server this is: its replication id, which a promotion changes, a restart too.
-- KEYS: any key of the shard. ARGV: none.
return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
