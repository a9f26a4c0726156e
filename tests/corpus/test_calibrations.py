"""A collection keeps its last calibration, whatever else is set on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.calibrations import calibration, set_calibration
from corpus.catalog import Catalog
from corpus.home import Home


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(Home(tmp_path))
    yield catalog
    catalog.close()


def test_the_last_calibration_of_a_collection_is_kept_until_it_is_taken_away(
    catalog: Catalog,
) -> None:
    assert calibration(catalog.database, "work") is None
    set_calibration(catalog.database, "work", {"threshold": 0.3})
    set_calibration(catalog.database, "work", {"threshold": 0.4})
    assert calibration(catalog.database, "work") == {"threshold": 0.4}
    assert calibration(catalog.database, "home") is None
    set_calibration(catalog.database, "work", None)
    assert calibration(catalog.database, "work") is None


def test_who_may_read_a_collection_stays_when_it_is_calibrated(catalog: Catalog) -> None:
    catalog.set_readers("work", ["ada"])
    set_calibration(catalog.database, "work", {"threshold": 0.4})
    assert catalog.readers()["work"] == ("ada",)
    catalog.set_readers("work", ["ada", "bob"])
    assert calibration(catalog.database, "work") == {"threshold": 0.4}
