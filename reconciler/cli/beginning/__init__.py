"""A first desired state and its settings, made of our own sample and of a few answers."""
