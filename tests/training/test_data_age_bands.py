"""Ages and bands: published FairFace bands, what spreadsheets make of them, and bounds."""

import pytest

from training.data.age_bands import BANDS, band_of, parse_age, was_date

MIDPOINTS = (1.0, 6.0, 14.5, 24.5, 34.5, 44.5, 54.5, 64.5, 74.5)


@pytest.mark.parametrize(("band", "years"), list(zip(BANDS, MIDPOINTS, strict=True)))
def test_fairface_bands_become_midpoints(band, years):
    assert parse_age(band) == (years, band, True)


@pytest.mark.parametrize(
    ("cell", "band"),
    [
        ("03-Sep", "3-9"),
        ("3-Sep", "3-9"),
        ("09-Mar", "3-9"),
        ("9-Mar", "3-9"),
        ("Sep-03", "3-9"),
        ("Oct-19", "10-19"),
        ("19-Oct", "10-19"),
        ("oct-19", "10-19"),
        ("2019-10-01", "10-19"),
        ("2024-09-03", "3-9"),
        ("2024-09-03 00:00:00", "3-9"),
    ],
)
def test_bands_that_a_spreadsheet_turned_into_dates(cell, band):
    assert parse_age(cell)[1:] == (band, True)
    assert was_date(cell)
    assert not was_date(band)


@pytest.mark.parametrize(
    ("cell", "band"),
    [("70+", "more than 70"), (">70", "more than 70"), ("20–29", "20-29"), ("(25, 32)", "25-32")],
)
def test_other_spellings_of_bands(cell, band):
    assert parse_age(cell)[1] == band


@pytest.mark.parametrize(
    ("years", "band"), [(0, "0-2"), (2.9, "0-2"), (3, "3-9"), (69, "60-69"), (70, "more than 70")]
)
def test_a_number_falls_into_the_band_that_holds_it(years, band):
    assert band_of(years) == band
    assert parse_age(str(years)) == (years, band, False)


def test_oldest_age_is_the_bound():
    assert parse_age("120")[0] == 120
    with pytest.raises(ValueError, match=r"an age must lie in 0\.\.120, not '121'"):
        parse_age("121")


@pytest.mark.parametrize("cell", ["-1", "nan", "inf", "29-20", "12-Foo", "young", "20-290"])
def test_what_is_no_age_is_refused(cell):
    with pytest.raises(ValueError):
        parse_age(cell)
