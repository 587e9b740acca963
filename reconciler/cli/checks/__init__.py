"""The checks of `check`, in order; each returns what is in order, or raises what is not."""
