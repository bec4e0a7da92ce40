"""A Shopify-like shop: Admin API, webhooks, its buyers and its books."""
