"""The driver: fixtures, users and shapes, and the audit of what came of them."""
