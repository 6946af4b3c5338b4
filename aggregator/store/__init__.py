"""The store: what must outlive a process, in SQLite or PostgreSQL.

One implementation, with nothing in it that one of both couldn't do. ``open_store``
is the way in.
"""
