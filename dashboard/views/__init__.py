"""Pages: thin files that say which panels stand where."""
