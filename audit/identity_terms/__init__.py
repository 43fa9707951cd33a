"""Identity terms: what a text model makes of a mention of a group."""
