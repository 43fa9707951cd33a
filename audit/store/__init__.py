"""Runs on disk: written atomically, hashed, verified, resumed."""
