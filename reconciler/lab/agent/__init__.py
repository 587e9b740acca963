"""A kanade-compatible agent: one process may serve several hosts."""
