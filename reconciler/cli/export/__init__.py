"""A live kanade as a desired-state folder: read, sorted, written; nothing is changed there."""
