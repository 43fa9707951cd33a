"""The two faces of Plumbline: the Streamlit app and the command line."""
