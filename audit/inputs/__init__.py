"""The door: predictions files of any origin in, checked columns out. The only forgiving place."""
