"""The adapters behind `ports`: how kanade is spoken, over NATS and over HTTP."""
