"""Git in, snapshots out: the repository, what triggers a fetch, and the artifacts."""
