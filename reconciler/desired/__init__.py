"""Snapshot to Desired: reads a revision whole, or says everything that is wrong with it."""
