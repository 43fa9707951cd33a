"""The app opened at a page, and what it says there."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).parents[2] / "dashboard" / "app.py")


def open_page(run: str, page: str = "", **query: str) -> AppTest:
    """Run the app with a run's id and other choices in the address, then turn to a page of views/."""
    app = AppTest.from_file(APP, default_timeout=60)
    for key, value in {"run": run, **query}.items():
        app.query_params[key] = value
    app.run()
    if page:
        app.switch_page(page).run()
    assert not app.exception, app.exception[0].message
    return app


def text(app: AppTest) -> str:
    """Everything that a page says in words."""
    parts = [*app.markdown, *app.caption, *app.title, *app.header, *app.subheader, *app.info, *app.warning]
    return "\n".join(str(part.value) for part in parts)
