"""Amazon's Selling Partner API: settlements, orders, notifications."""
