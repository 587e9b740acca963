"""The fourth stage: (desired, observed, now) -> a plan; pure."""
