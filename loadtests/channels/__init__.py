"""Simulated channels as sources of traffic: what they sold, and what the gateway made of it."""
