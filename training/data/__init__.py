"""Readers and synthesis of data, without torch."""
