"""A kanade-compatible backend: the HTTP API, and the projections behind it."""
