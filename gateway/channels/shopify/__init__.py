"""Shopify: webhooks become orders, cancellations and returns."""
