"""The edges: files in and out, dead letters, CloudEvents."""
