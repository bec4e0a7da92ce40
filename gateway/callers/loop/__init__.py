"""Loop, a returns platform: the list of its returns."""
