"""The composition root: settings, wiring and the commands."""
