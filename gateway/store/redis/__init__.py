"""Claims, lanes, owners and quotas in Redis or Valkey; every script beside its caller."""
