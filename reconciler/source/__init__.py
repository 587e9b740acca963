"""Git in, snapshots out: the repository, what says "look again", and the artifacts."""
