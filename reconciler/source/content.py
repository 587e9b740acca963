"""Bytes that are read once, a block at a time, and seen to be as many as they should be."""
