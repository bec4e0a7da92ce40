"""How alembic runs the revisions in `versions`."""
