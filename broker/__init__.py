"""A real Kafka broker for tests and development: fetched by Maven, one node, no Docker.

Nothing of the engine uses it, and it is not installed with it.
"""
