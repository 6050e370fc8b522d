"""How well the intent to buy is predicted, on traffic that others have recorded."""
