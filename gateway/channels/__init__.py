"""Channels in their own formats: what they send, made canonical. One package per channel."""
