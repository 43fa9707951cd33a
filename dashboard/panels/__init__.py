"""Parts of pages: functions of plain data that draw with Streamlit."""
