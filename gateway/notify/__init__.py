"""Telling people: webhooks."""
