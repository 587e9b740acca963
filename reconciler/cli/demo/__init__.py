"""The demo: a whole fleet on this machine, and a controller that is its own process."""
