"""Models that learn as customers act: what they score, what they learn from, and how well they do.

A model's moments are events of customers at which it says how likely something is. The customer's
row of such a moment is frozen with the profile; once it is known what came of it, the pair goes to
the model, which learns. See docs/models.md for the meaning, to the letter.
"""
