"""JetStream, thinly: what nats-py leaves open, closed; it knows nothing of kanade."""
