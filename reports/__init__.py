"""A finished run as a PDF: it reads the store and never recomputes a number."""
