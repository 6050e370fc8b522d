"""The steps of the flow: plain classes that take ticks and decide; no bytes on disk here."""
