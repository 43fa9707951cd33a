"""Explanations of pictures and texts, with the numbers that say how far to believe them."""
