"""Models: the embedded one, and references to folders and hubs."""
