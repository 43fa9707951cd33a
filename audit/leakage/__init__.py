"""Leakage: exact and near duplicates across splits, and what they did to the numbers."""
