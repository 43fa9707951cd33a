"""Parts of pages: functions that draw plain data and return what a person asked for."""
