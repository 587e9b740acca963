"""The embedded fleet: a kanade-compatible stand-in made of real processes.

It speaks NATS and HTTP to the rest of the program and shares no code with it, so that what
the reconciler believes of kanade is not what the stand-in was built from.
"""
