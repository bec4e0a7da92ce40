"""What staff and machines see: logs, metrics and events."""
