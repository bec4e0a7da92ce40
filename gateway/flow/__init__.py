"""The story of the gateway, one use case a module: accept, deliver, confirm, release, project."""
