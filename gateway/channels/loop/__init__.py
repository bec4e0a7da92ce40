"""Loop, a returns platform: its webhooks become credits of the orders they are about."""
