"""Stateful, seeded stand-ins for the two ERPs, speaking their published protocols."""
