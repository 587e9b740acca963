"""Notifies people and machines elsewhere of transitions, each once, in order, until delivered."""
