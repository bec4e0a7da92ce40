"""What calls marketplaces: their APIs and queues."""
