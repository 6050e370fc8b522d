"""The Kafka edges: topics in and out, behind one small interface for two client libraries."""
