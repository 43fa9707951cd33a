"""Figures: pure functions from tables of a run to Plotly figures; nothing here knows Streamlit."""
