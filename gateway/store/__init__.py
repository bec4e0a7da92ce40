"""What is kept: work in flight in Redis, the record in SQL."""
