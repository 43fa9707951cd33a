"""Findings and tables to Plotly figures: pure, tested without a browser."""
