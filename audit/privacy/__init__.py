"""Membership inference: whether a model's outputs tell which rows it was trained on, and whose."""
