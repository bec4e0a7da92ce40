"""The demo: a whole migration in two minutes, conducted, watched and audited.

Everything it starts it starts as a process of its own and meets over HTTP and the command line.
"""
