"""Amazon: login, orders, and the queue of its notifications."""
