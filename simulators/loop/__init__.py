"""A Loop-like returns platform: returns of a shop's orders, and the webhooks that tell of them."""
