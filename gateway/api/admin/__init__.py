"""The admin API: what staff do, under /admin/v1, with keys of their own."""
