"""Other people's event logs turned into Segment-spec events, as a small mapping file says."""
