"""Writes docs/reference from what the code itself knows."""
