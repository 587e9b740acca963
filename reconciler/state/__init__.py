"""What we keep ourselves, on NATS: one bucket that only the leader writes, one for people."""
