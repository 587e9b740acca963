"""The third stage: kanade and our own state -> one reading."""
