"""The channel API: thin controllers, one module per capability, keys and problem details."""
