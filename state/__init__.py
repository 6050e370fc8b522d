"""The store: RocksDB, versions, timers. Knows nothing of events or rules."""
