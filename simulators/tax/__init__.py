"""A tax engine, spoken to as AvaTax is."""
