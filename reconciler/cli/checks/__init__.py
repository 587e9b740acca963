"""What `check` looks at, in order; each says what is in order, or raises what is not."""
