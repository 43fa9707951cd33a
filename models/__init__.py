"""The three networks, their weights and the adapters that make them auditable."""
