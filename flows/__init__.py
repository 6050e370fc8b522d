"""The dataflow: the only place that knows Bytewax."""
