"""Locust's own entry point: ``locust -f loadtests/locustfile.py``, for its web UI.

The plan comes from the options below instead of from Locust's user count: each kind of user sends
at its share of the rate, however many users wait. ``python -m loadtests run`` is the same, headless
and with an end of its own.
"""
