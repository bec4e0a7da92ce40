"""A POS estate: stores with registers that sell, go offline, and send what they did."""
