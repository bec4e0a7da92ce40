"""Pure arithmetic: how long to wait, when to close, what comes first."""
