"""The commands of ``coexist``, one module per kind of user."""
