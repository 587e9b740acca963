"""The controller's own HTTP: what it shows, and what may wake it."""
