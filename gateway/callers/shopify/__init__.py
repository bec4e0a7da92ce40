"""A Shopify shop, called."""
