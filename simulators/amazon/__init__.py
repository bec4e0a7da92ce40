"""An Amazon-like marketplace, seen by one seller through the Selling Partner API."""
